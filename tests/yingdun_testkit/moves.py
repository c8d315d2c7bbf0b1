"""A hand that counts: how many moves somebody needs who knows the way.

A move is a click, or a key that does something (Enter, Space, a letter of the viewer). Typing a name, a reason or a password is none, and neither is
what leads to a place: Tab, arrows, and going from one field of a form to the next."""


class Moves:
    """One person at one page. Tests act by it alone, so that nothing is done uncounted."""

    #: As many as a journey may take.
    MOST = 3
    #: Places that Tab may pass before the one that is looked for.
    TABS_MAX = 80

    def __init__(self, page, *, keyboard=False):
        self.page, self.count, self._keyboard = page, 0, keyboard

    def choose(self, what):
        """A click on it, or by keyboard the way there and Enter."""
        what.wait_for()
        if self._keyboard:
            self.reach(what)
            self.press("Enter")
        else:
            self.count += 1
            what.click()

    def press(self, key):
        """A key that does something."""
        self.count += 1
        self.page.keyboard.press(key)

    def type(self, text):
        """Into where one is, once that takes it: what is typed before is lost."""
        self.page.locator("input:focus, textarea:focus").wait_for()
        self.page.keyboard.type(text)

    def fill(self, field, text):
        """Into a field of the form that one is in."""
        field.wait_for()
        if self._keyboard:
            self.reach(field)
            self.page.keyboard.press("Control+a")
            self.type(text)
        else:
            field.fill(text)

    def arrow(self, key):
        """Leads to another row."""
        assert key.startswith("Arrow")
        self.page.keyboard.press(key)

    def reach(self, what):
        """Goes to it with Tab alone."""
        for _ in range(self.TABS_MAX):
            if what.evaluate("(element) => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {what}")

    def check(self):
        assert 0 < self.count <= self.MOST, f"{self.count} moves"
