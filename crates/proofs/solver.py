"""An SMT solver that speaks SMT-LIB on its standard input and output: cvc5, from its Python package.

Debian's own cvc5 is older than the symbolic compiler asks for, so the package's library is used and this file is
what makes a program of it. A command is read as soon as its brackets are closed. `(reset)` begins with a new solver,
so that nothing of one question can be left in the next.
"""

import sys

import cvc5

QUESTION_MS = 60_000  # one question may take this long; what takes longer is an answer "unknown", which proves nothing


class Session:
    """One solver and what was declared in it."""

    def __init__(self):
        self.terms = cvc5.TermManager()
        self.solver = cvc5.Solver(self.terms)
        self.solver.setOption("tlimit-per", str(QUESTION_MS))
        self.symbols = cvc5.SymbolManager(self.terms)
        self.parser = cvc5.InputParser(self.solver, self.symbols)

    def answer(self, text):
        """What the solver says to the commands in `text`."""
        self.parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "stdin")
        said = []
        while True:
            command = self.parser.nextCommand()
            if command.isNull():
                return "".join(said)
            said.append(command.invoke(self.solver, self.symbols))


def commands(lines):
    """Whole commands: lines until every bracket that is not in a string, a quoted name or a comment is closed."""
    depth, text, quoted = 0, [], ""
    for line in lines:
        for position, character in enumerate(line):
            if quoted:
                if character == quoted:
                    quoted = ""
            elif character in '"|':
                quoted = character
            elif character == ";":
                line = line[:position] + "\n"
                break
            elif character == "(":
                depth += 1
            elif character == ")":
                depth -= 1
        text.append(line)
        if depth == 0 and not quoted:
            command = "".join(text)
            text = []
            if command.strip():
                yield command


def main():
    session = Session()
    for command in commands(sys.stdin):
        if command.strip() == "(reset)":
            session = Session()
            continue
        try:
            said = session.answer(command)
        except Exception as problem:  # whatever the library throws is an answer of the protocol
            said = '(error "%s")\n' % str(problem).replace('"', "'").replace("\n", " ")
        sys.stdout.write(said)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
