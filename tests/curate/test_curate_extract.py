from __future__ import annotations

from kslm.curate.entities import Entities
from kslm.curate.extract import extract

ENTITIES = Entities({}, {}, {})


def row(text: str, path: str = "Documentation/devicetree/bindings/net/x.yaml") -> dict[str, str]:
    return {
        "doc_id": "1",
        "source": "s",
        "path": path,
        "kind": "dt_binding",
        "text": text,
        "version": "6",
        "licence": "GPL",
    }


def test_a_binding_gives_its_descriptions():
    binding = "$schema: x\ntitle: A network chip\ndescription: |\n  It talks over MDIO.\n"
    texts = [t.text for t in extract(row(binding), ENTITIES)]
    assert len(texts) == 1
    assert "A network chip" in texts[0] and "It talks over MDIO." in texts[0]


def test_a_binding_that_is_not_valid_yaml_is_kept_as_it_stands():
    broken = "$schema: x\ntitle: A chip\n  bad: [indent\n\tand a tab\n"
    assert [t.text for t in extract(row(broken), ENTITIES)] == [broken]
