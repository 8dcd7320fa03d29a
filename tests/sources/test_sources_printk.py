from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.printk import Template, extract, templates

SOURCE = r"""
static int foo(struct device *dev)
{
	dev_err(dev, "cannot start: %d\n", ret);
	dev_err(&to_pci(dev)->dev, "link of \"%s\" "
		"is down\n", name);
	pr_info_once("found " "it\n");
	printk(KERN_WARNING PFX ": odd\tstate %#x\n", state);
	printk ("no level\n");
	DRM_ERROR("ring %" PRIu64 " is stuck\n", ring);
	ath_dbg(common, RESET, \
		"resetting\n");
	return dev_err_probe(dev, PTR_ERR(clk), "no clock\n");
	pr_cont("pieces go\n");
	printk(KERN_CONT "on here\n");
	pr_err("%s: %d\n", __func__, 3);
	dev_err(dev, "cannot start: %d\n", ret);
	if (error(x) || !strcmp(y, "not a message"))
		dev_error_string("nor this");
	dev_err(dev, name);
	panic("out of memory and no killable processes\n");
}
"""


def test_each_message_with_its_level_once_and_in_order() -> None:
    assert list(templates(SOURCE)) == [
        Template("err", "cannot start: %d"),
        Template("err", 'link of "%s" is down'),
        Template("info", "found it"),
        Template("warn", "odd state %#x"),
        Template("warn", "no level"),
        Template("err", "ring %u is stuck"),
        Template("debug", "resetting"),
        Template("err", "no clock"),
        Template("emerg", "out of memory and no killable processes"),
    ]


def test_a_line_names_its_file() -> None:
    assert extract('x_warn(a, "odd\\n");\npr_err("bad\\n");', "drivers/net/ethernet/foo/main.c") == (
        "warn foo/main: odd\nerr foo/main: bad"
    )
    assert extract('pr_err("bad\\n");', "top.c") == "err top: bad"
    assert extract("int x;", "top.c") == ""


@pytest.mark.parametrize(
    "piece", ["err(", "err()", "(", '"', 'err("', '"" ', 'err("a" ', "\\", " ", "err(x, ", "_warn_once"]
)
@pytest.mark.parametrize("lead", ["", "pr_err(", 'pr_err("'])
def test_time_grows_linearly_on_hostile_input(piece: str, lead: str) -> None:
    text = lead + piece * (200_000 // len(piece))
    started = time.process_time()
    list(templates(text))
    assert time.process_time() - started < 1.5


@given(
    st.lists(st.sampled_from(["pr_err(", '"', "a word", "\\", "\n", ", ", "()", ");", "KERN_INFO ", "PRIu64"])).map(
        "".join
    )
    | st.text()
)
def test_any_text_gives_messages_of_one_line(text: str) -> None:
    found = list(templates(text))
    assert len(found) == len(set(found))
    for level, format_ in found:
        assert level in ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
        assert format_ == " ".join(format_.split()) != ""


@given(st.text(alphabet="abcdef %d-"))
def test_any_format_comes_back(text: str) -> None:
    message = f"{text} some words {text}"
    assert list(templates(f'\tpr_notice("{message}");')) == [Template("notice", " ".join(message.split()))]
