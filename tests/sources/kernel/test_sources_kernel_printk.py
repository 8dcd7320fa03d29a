from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.sources.kernel.printk import Template, document, driver, prefix, templates

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
	pr_warn("lasts %d seconds:\n", 3);
	netdev_info(netdev, "link is up\n");
	TP_printk("dev=%d trace", dev);
	trace_printk("only traced\n");
	dev_warn(dev, "address " MACRO " odd");
	dev_warn(dev, x ? "this one" : "that one");
}
"""


def extract(text: str, path: str, module: str | None = None, *, loadable: bool = False) -> str:
    return document(templates(text), text, path, module, loadable=loadable)


def test_each_message_with_its_level_once_and_in_order() -> None:
    assert list(templates(SOURCE)) == [
        Template("err", "cannot start: %d", "dev"),
        Template("err", 'link of "%s" is down', "dev"),
        Template("info", "found it", "pr"),
        Template("warn", "odd state %#x"),
        Template("warn", "no level"),
        Template("err", "ring %u is stuck"),
        Template("debug", "resetting"),
        Template("err", "no clock", "dev"),
        Template("emerg", "out of memory and no killable processes"),
        Template("warn", "lasts %d seconds:", "pr"),
        Template("info", "link is up", "netdev"),
    ]


CALLS = (
    'x_warn(a, "it is odd\\n"); pr_err("too bad\\n"); dev_err(d, "no link\\n"); dev_err(d, "no link\\n");'
    'netdev_err(d, "no carrier\\n");'
)
PCI = 'static struct pci_driver foo_pci = {\n\t.name\t= "foo-pci",\n\t.probe = f,\n};\n'


def test_messages_as_a_log_shows_them_by_level() -> None:
    code = f'#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt\n{PCI}{CALLS}'
    assert extract(code, "net/foo/main.c", "foo", loadable=True) == (
        "Kernel messages of foo (net/foo/main.c)\nLevel err:\nfoo: too bad\nfoo-pci <device>: no link\n"
        "foo-pci <device> <interface>: no carrier\nLevel warn:\nit is odd"
    )
    assert extract(CALLS, "net/foo/main.c", "foo") == (
        "Kernel messages of net/foo/main.c\nLevel err:\ntoo bad\nno link\nno carrier\nLevel warn:\nit is odd"
    )


def test_fewer_than_three_messages_are_no_text() -> None:
    two = 'pr_err("too bad\\n"); pr_err("too bad\\n"); pr_err("worse\\n");'
    assert extract(two, "top.c") == ""
    assert extract(two + 'pr_warn("good\\n");', "top.c") != ""


PLATFORM = "struct platform_driver a = {\n\t.probe = b,\n\t.driver = {\n\t\t.name = NAME,\n\t},\n};\n"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("", None),
        (PCI, "foo-pci"),
        (PLATFORM.replace("NAME", '"st,foo"'), "st,foo"),
        ('#define NAME\t"bar"\n' + PLATFORM, "bar"),
        ('static const char NAME[] = "bar";\n' + PLATFORM, "bar"),
        (PLATFORM, None),
        (PLATFORM.replace("NAME", "KBUILD_MODNAME"), "a_module"),
        ("struct virtio_driver a = {\n\t.driver.name = KBUILD_MODNAME,\n};", "a_module"),
        (PCI + PCI.replace("pci_driver", "platform_driver"), "foo-pci"),
        (PCI + PCI.replace("foo-pci", "other"), None),
        (PCI + PLATFORM, None),
        (PCI.replace("pci_driver", "snd_soc_dai_driver"), None),
        ("struct pci_driver a = {\n\t.probe = b,\n};\nx.name = c;", None),
        ("struct pci_driver a = {", None),
    ],
)
def test_a_driver_has_the_name_its_struct_says(code: str, name: str | None) -> None:
    assert driver(code, "a_module") == name


@pytest.mark.parametrize(
    ("define", "before"),
    [
        ('#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt', "foo: "),
        ('#define pr_fmt(fmt)\t\\\n\t"acme: " fmt', "acme: "),
        ('#define DRV "bar"\n# define pr_fmt(f) DRV "-" f', "bar-"),
        ('#define pr_fmt(fmt) "%s: " fmt, __func__', "%s: "),
        ("#define pr_fmt(fmt) OTHER fmt", ""),
        ("#define pr_fmt(fmt) fmt", ""),
        ("#undef pr_fmt(x)", ""),
    ],
)
def test_what_pr_fmt_puts_before_a_message(define: str, before: str) -> None:
    assert prefix(define, "foo") == before


def test_a_name_that_is_not_known_makes_no_prefix() -> None:
    assert prefix('#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt', None) == ""


@pytest.mark.parametrize(
    "piece",
    [
        "err(",
        "err()",
        "(",
        '"',
        'err("',
        '"" ',
        'err("a" ',
        "\\",
        " ",
        "err(x, ",
        "_warn_once",
        "struct pci_driver a = {",
        ".name = ",
    ],
)
@pytest.mark.parametrize("lead", ["", "pr_err(", 'pr_err("'])
def test_time_grows_linearly_on_hostile_input(piece: str, lead: str) -> None:
    assert_linear(repeated(piece, lead), lambda text: (list(templates(text)), driver(text)), 200_000)


@given(
    st.lists(st.sampled_from(["pr_err(", '"', "a word", "\\", "\n", ", ", "()", ");", "KERN_INFO ", "PRIu64"])).map(
        "".join
    )
    | st.text()
)
def test_any_text_gives_messages_of_one_line(text: str) -> None:
    found = list(templates(text))
    assert len(found) == len(set(found))
    for level, format_, _ in found:
        assert level in ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
        assert format_ == " ".join(format_.split()) != ""


@given(st.text(alphabet="abcdef %d-"))
def test_any_format_comes_back(text: str) -> None:
    message = f"{text} some words {text}"
    assert list(templates(f'\tpr_notice("{message}");')) == [Template("notice", " ".join(message.split()), "pr")]
