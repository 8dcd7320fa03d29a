from __future__ import annotations

import json

import pytest

from kslm.sources.man.names import command_of, page_of
from questions_world import ENTITIES, PAGE, asked, document


def page(*lines, synopsis=None):
    return "\n".join(
        ["X(1)", "", "NAME", "x - does many things", "", "SYNOPSIS", synopsis or "x [FILE]", "", *lines, ""]
    )


def made(path, text):
    return {one.path.partition("#")[2]: one for one in asked(document("man", path, text), ENTITIES)}


def asked_and_said(text):
    return text.text.removeprefix("Question: ").split("\nAnswer: ")


@pytest.mark.parametrize(
    ("file", "synopsis", "command"),
    [
        ("ls.1", "ls [OPTION]...", "ls"),
        ("git-push.1", "git push [--all | --mirror]", "git push"),
        ("openssl-dgst.1ssl", "openssl dgst|digest [-help]", "openssl dgst"),
        ("nvme-intel-id-ctrl.1", "nvme intel id-ctrl <device>", "nvme intel id-ctrl"),
        ("rdma-link.8", "rdma [ OPTIONS [ MORE ] ] link { COMMAND | help }", "rdma link"),
        ("drbdsetup-9.0.8", "drbdsetup command {argument...}", "drbdsetup"),
        ("agetty.8", "usage: /sbin/agetty port", "agetty"),
        ("iptables-extensions.8", "iptables [-m name [module-options...]]", None),
        ("tc-fq.8", "tc qdisc ... fq [ limit PACKETS ]", None),
        ("systemd-logind.service.8", "systemd-logind.service", None),
        ("systemd-run-generator.8", "/lib/systemd/system-generators/systemd-run-generator", None),
        ("bounce.8postfix", "bounce [generic Postfix daemon options]", None),
        ("pam_time.8", "pam_time.so [debug]", None),
        ("write.2", "write(int fd)", None),
    ],
)
def test_the_command_of_a_page(file, synopsis, command):
    assert command_of(page_of(file), page(synopsis=synopsis)) == command


def test_a_page_of_no_command_is_explained_but_neither_run_nor_installed():
    found = made("iproute2/usr/share/man/man8/tc-fq.8", page("OPTIONS", "--limit", "    most packets", synopsis="tc x"))
    assert {fragment.partition(".")[0] for fragment in found} == {"NAME"}
    assert json.loads(found["NAME"].item)["context"] == "tc-fq(8) is a manual page: does many things"


def test_a_subcommand_is_found_and_asked_about_as_it_is_typed():
    text = page("OPTIONS", "-n, --dry-run", "    Do everything except send.", synopsis="git push [--all]")
    found = made("git-man/usr/share/man/man1/git-push.1", text)
    assert not any(fragment.startswith("install") for fragment in found)
    assert asked_and_said(found["find"])[1].startswith("git push, described in git-push(1): does many things.")
    question, answer = asked_and_said(found["option --dry-run"])
    assert "git push" in question and "--dry-run" in question and "-n" not in question.split()
    assert answer == "git push -n, --dry-run: Do everything except send."
    assert json.loads(found["option --dry-run"].item)["context"].startswith("git push(1) -n, --dry-run: ")


def test_packages_of_manuals_alone_install_nothing():
    for package, wanted in (("coreutils", True), ("coreutils-doc", False), ("manpages", False), ("ls-common", False)):
        assert ("install" in made(f"{package}/usr/share/man/man1/ls.1", PAGE)) is wanted


def test_pages_of_freebsd_say_so():
    text = page("BUGS", "None.", synopsis="int ptrace(int request)").replace(
        "x - does", "ptrace - process tracing does"
    )
    found = made("freebsd-manpages/usr/share/man/man2/ptrace.2freebsd", text)
    for fragment in ("NAME", "find"):
        assert all("FreeBSD" in part for part in asked_and_said(found[fragment]))
    assert "man 2freebsd ptrace" in found["NAME"].text
    assert "FreeBSD" not in made("manpages-dev/usr/share/man/man2/ptrace.2", text)["NAME"].text


def test_options_worth_asking_about():
    text = page(
        *("SUMMARY", "--fuzzy, -y              find a similar file for basis", "OPTIONS"),
        *("--fuzzy, -y", "    This option tells x that it should look for a basis file for any file that is missing."),
        *("--help, -h", "    Print a message that tells how.", "-V", "    display the version"),
        *("--propquery", '    See "Provider Options" in openssl(1), provider(7), and property(7).'),
        *("-h", "    print sizes like 1K 234M 2G", "--human", "    print sizes like 1K 234M 2G"),
    )
    found = made("p/usr/share/man/man1/x.1", text)
    assert {fragment for fragment in found if fragment.startswith("option") and not fragment.endswith(".2")} == {
        "option --fuzzy",
        "option -h",
    }
    question, answer = asked_and_said(found["option --fuzzy"])
    assert "-y" not in question and answer.startswith("x --fuzzy, -y: This option tells x")


def test_a_file_does_nothing():
    for number in range(40):
        assert "What does" not in made(f"p/usr/share/man/man5/x{number}.5", page())["NAME"].text


def test_descriptions_that_say_too_little_of_an_option():
    told = [("-7", "186 MiB   83 MiB"), ("--level", "compresslevel."), ("--types", "The types that are known are:")]
    lines = [line for option, said in told for line in (option, f"    {said}", "")]
    found = made("p/usr/share/man/man1/x.1", page("OPTIONS", *lines, "--sort", "    Put the files in order."))
    assert {name for name in found if name.startswith("option")} <= {"option --sort", "option --sort.2"}
    assert "option --sort" in found
