#!/usr/bin/env python3
"""Makes marks.otf: the glyphs of GB 2312 and Latin letters of Noto Sans SC, without anything that a line of a mark does not need.

    python make.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc marks.otf

Needs fonttools. The same font and the same fonttools give the same file.
"""

import sys

from fontTools import subset
from fontTools.ttLib import TTCollection


def characters():
    """What marks are written with: GB 2312 whole, ASCII, Latin letters of names, and a few signs."""
    wanted = set(range(0x20, 0x7F)) | set(range(0xA1, 0x180)) | set(map(ord, "·–—…□〇㈠"))
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                wanted.add(ord(bytes([row, cell]).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return sorted(wanted)


def main():
    source, target = sys.argv[1:]
    names = [font["name"].getDebugName(6) for font in TTCollection(source, lazy=True).fonts]
    options = subset.Options()
    options.font_number = names.index("NotoSansCJKsc-Regular")
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    # The moment of making is no part of the file.
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    subset.save_font(font, target, options)
    print(f"{len(font.getGlyphOrder())} glyphs, {len(font.getBestCmap())} characters")


main()
