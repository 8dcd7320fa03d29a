"""Sentences and names that mdoc(7) prints for a keyword: standards (.St), libraries (.Lb), return values (.Rv)."""

from __future__ import annotations

STANDARDS = {
    "-ansiC": 'ANSI X3.159-1989 ("ANSI C89")',
    "-ansiC-89": 'ANSI X3.159-1989 ("ANSI C89")',
    "-isoC": 'ISO/IEC 9899:1990 ("ISO C90")',
    "-isoC-90": 'ISO/IEC 9899:1990 ("ISO C90")',
    "-isoC-99": 'ISO/IEC 9899:1999 ("ISO C99")',
    "-isoC-2011": 'ISO/IEC 9899:2011 ("ISO C11")',
    "-p1003.1": 'IEEE Std 1003.1 ("POSIX.1")',
    "-p1003.1-88": 'IEEE Std 1003.1-1988 ("POSIX.1")',
    "-p1003.1-90": 'IEEE Std 1003.1-1990 ("POSIX.1")',
    "-p1003.1-96": 'ISO/IEC 9945-1:1996 ("POSIX.1")',
    "-p1003.1-2001": 'IEEE Std 1003.1-2001 ("POSIX.1")',
    "-p1003.1-2004": 'IEEE Std 1003.1-2004 ("POSIX.1")',
    "-p1003.1-2008": 'IEEE Std 1003.1-2008 ("POSIX.1")',
    "-p1003.1b": 'IEEE Std 1003.1b ("POSIX.1b")',
    "-p1003.1b-93": 'IEEE Std 1003.1b-1993 ("POSIX.1b")',
    "-p1003.1g-2000": 'IEEE Std 1003.1g-2000 ("POSIX.1g")',
    "-p1003.2": 'IEEE Std 1003.2 ("POSIX.2")',
    "-p1003.2-92": 'IEEE Std 1003.2-1992 ("POSIX.2")',
    "-susv1": 'Version 1 of the Single UNIX Specification ("SUSv1")',
    "-susv2": 'Version 2 of the Single UNIX Specification ("SUSv2")',
    "-susv3": 'Version 3 of the Single UNIX Specification ("SUSv3")',
    "-susv4": 'Version 4 of the Single UNIX Specification ("SUSv4")',
    "-svid4": 'System V Interface Definition, Fourth Edition ("SVID4")',
    "-xpg4": 'X/Open Portability Guide Issue 4 ("XPG4")',
    "-xpg4.2": 'X/Open Portability Guide Issue 4, Version 2 ("XPG4.2")',
    "-ieee754": "IEEE Std 754-1985",
}
LIBRARIES = {
    "libc": "Standard C Library (libc, -lc)",
    "libcrypt": "Crypt Library (libcrypt, -lcrypt)",
    "libkvm": "Kernel Data Access Library (libkvm, -lkvm)",
    "libm": "Math Library (libm, -lm)",
    "libnv": "Name/value pairs library (libnv, -lnv)",
    "libpthread": "POSIX Threads Library (libpthread, -lpthread)",
    "librt": "POSIX Real-time Library (librt, -lrt)",
    "libthr": "1:1 Threading Library (libthr, -lthr)",
    "libutil": "System Utilities Library (libutil, -lutil)",
}


def return_values(functions: list[str]) -> str:
    """What `.Rv -std function ...` prints."""
    rest = "the value -1 is returned and the global variable errno is set to indicate the error."
    if not functions:
        return f"Upon successful completion, the value 0 is returned; otherwise {rest}"
    calls = [f"{name}()" for name in functions]
    if len(calls) == 1:
        return f"The {calls[0]} function returns the value 0 if successful; otherwise {rest}"
    named = f"{', '.join(calls[:-1])}{',' if len(calls) > 2 else ''} and {calls[-1]}"
    return f"The {named} functions return the value 0 if successful; otherwise {rest}"


def exit_status(programs: list[str]) -> str:
    """What `.Ex -std program ...` prints."""
    named = " and ".join(", ".join(programs).rsplit(", ", 1))
    return f"The {named} {'utilities exit' if len(programs) > 1 else 'utility exits'} 0 on success, and >0 on error."
