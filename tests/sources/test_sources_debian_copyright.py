import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from campaign import dear
from kslm.sources.debian_copyright import licence_of, spdx_of

HEADER = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: x\n"


def dep5(*paragraphs: tuple[str, str]) -> str:
    return HEADER + "".join(
        f"\nFiles: {files}\nCopyright: 2020 A. Person\nLicense: {licence}\n" for files, licence in paragraphs
    )


@pytest.mark.parametrize(
    ("synopsis", "spdx"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("LGPL-2", "LGPL-2.0-only"),
        ("GPL", "GPL-1.0-or-later"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GFDL-1.3+-no-invariants", "GFDL-1.3-no-invariants-or-later"),
        ("public-domain", "LicenseRef-public-domain"),
        ("CC-BY-SA-3.0", "CC-BY-SA-3.0"),
        ("Artistic or GPL-1+", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("GPL-2+ or Artistic, and Expat", "(GPL-2.0-or-later OR Artistic-1.0-Perl) AND MIT"),
        ("Expat, ISC, or Zlib", "MIT OR ISC OR Zlib"),
        ("GPL-2 and Perl", "GPL-2.0-only AND (Artistic-1.0-Perl OR GPL-1.0-or-later)"),
        ("GPL-3+ with Bison exception", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        ("GPL-2+ with OpenSSL exception", "LicenseRef-debian-gpl-2-plus-with-openssl-exception"),
        ("GPL-17", "LicenseRef-debian-gpl-17"),
        ("Permissive", "LicenseRef-debian-permissive"),
        ("", None),
        (" , and ", None),
    ],
)
def test_short_names_become_spdx(synopsis: str, spdx: str | None) -> None:
    assert spdx_of(synopsis) == spdx


def test_the_licence_of_all_files_is_the_packages() -> None:
    assert licence_of(dep5(("*", "GPL-2+"), ("debian/*", "Expat"))) == "GPL-2.0-or-later"
    assert licence_of(dep5(("debian/*", "Expat"), ("a.c *", "LGPL-2.1"))) == "LGPL-2.1-only"


def test_without_one_all_licences_hold_together_once() -> None:
    text = dep5(("b/*", "ISC"), ("a/*", "GPL-2+ or Expat"), ("c/*", "ISC"))
    assert licence_of(text) == "ISC AND (GPL-2.0-or-later OR MIT)"
    assert licence_of(dep5(("a/*", "ISC"), ("b/*", "GPL-2+ or Expat"))) == licence_of(text)


def test_a_damaged_field_does_not_lose_the_rest() -> None:
    assert licence_of(HEADER + "\nFiles: *\nLicense: Expat\n") == "MIT"
    assert licence_of(HEADER + "\nFiles: *\nCopyright: x\n\n/usr/share/common-licenses/GPL-2\n") == "GPL-2.0-only"


@pytest.mark.parametrize(
    ("prose", "spdx"),
    [
        (
            "under the terms of the GNU General Public License as published by the Free\nSoftware Foundation; either "
            "version 2 of the License, or (at your\noption) any later version.",
            "GPL-2.0-or-later",
        ),
        ("It is under version 2 of the GNU General Public License only.", "GPL-2.0-only"),
        ("the GNU Lesser General Public License, version 2.1 or later; see /usr/share/common-licenses/LGPL-2.1",
         "LGPL-2.1-or-later"),
        ("The full text is in /usr/share/common-licenses/GPL-2.", "GPL-2.0-only"),
        ("The full text is in `/usr/share/common-licenses/GPL'.", "GPL-1.0-or-later"),
        ("You may copy it under the same terms as Perl itself.", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("Licensed under the Apache License, Version 2.0; see /usr/share/common-licenses/Apache-2.0", "Apache-2.0"),
        ("Permission is hereby granted, free of charge, to any person obtaining\na copy of this software", "MIT"),
        ("Redistribution and use in source and binary forms, with or without", "BSD-2-Clause"),
        ("Redistribution and use in source and binary forms ... to endorse or promote products", "BSD-3-Clause"),
        ("This file is in the public domain.", "LicenseRef-public-domain"),
        ("All rights reserved.", None),
        ("", None),
    ],
)  # fmt: skip
def test_prose_is_recognised_by_well_known_phrases(prose: str, spdx: str | None) -> None:
    assert licence_of(f"This package was debianized by A. Person.\n\n{prose}\n") == spdx


def parsable(expression: str | None) -> bool:
    if expression is None:
        return True
    licensing = get_spdx_licensing()
    return all(
        key in licensing.known_symbols or key.startswith(("LicenseRef-debian-", "LicenseRef-public-domain"))
        for key in licensing.license_keys(expression)
    )


WORDS = st.lists(
    st.sampled_from(["GPL-2+", "Expat", "and", "or", ",", "with", "exception", "(", ")", "Ünicode", "+", "-", "a b"])
)


@settings(max_examples=dear(0.4))
@given(st.one_of(st.text(), WORDS.map(" ".join)))
def test_any_synopsis_gives_a_valid_expression_or_none(text: str) -> None:
    assert parsable(spdx_of(text))
    assert parsable(licence_of(dep5(("*", text))))


@settings(max_examples=dear(0.4))
@given(st.text(), st.booleans())
def test_any_text_gives_a_valid_expression_or_none(text: str, stated: bool) -> None:
    assert parsable(licence_of(HEADER + "\n" + text if stated else text))
