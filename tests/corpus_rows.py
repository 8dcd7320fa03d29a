"""A few documents in bronze, silver and gold, written by hand: what the corpus's readers are tried on."""

from __future__ import annotations

import kslm.lake
from kslm.lake import tables
from lake_rows import make_equal, row

TEXTS = {
    "aa" * 16: "The igb driver moderates interrupts; see interrupt coalescing of each device.",
    "aabb" + "c" * 28: "Interrupt numbers are given to a device by its bus. Write to <email-1> or <email-2>.",
    "dd" * 16: "Pages of memory are freed by the allocator, when nothing else refers to them any more.",
}
BRONZE_TEXT = "Interrupt numbers are given to a device by its bus. Write to jane@example.org or bob@example.org."


def documents():
    shared = {"source": "tree", "kind": "rst", "version": "6.1", "licence": "GPL-2.0-only"}
    paths = ("drivers/net/igb/igb.c", "Documentation/irq.rst", "mm/page.c")
    for number, (doc_id, path) in enumerate(zip(TEXTS, paths, strict=True)):
        text = TEXTS[doc_id]
        yield shared | {
            "doc_id": doc_id,
            "parent_id": f"b{number}" * 16,
            "path": path,
            "slice": ("hardware", "os", "os")[number],
            "split": ("train", "val", "train")[number],
            "split_group": f"group{number}",
            "bytes": len(text),
            "text": text,
        }


def write_corpus(settings):
    """Fill bronze.documents, bronze.files, silver and gold; returns the report's outputs of a run that did so."""
    found = list(documents())
    bronze = [
        row(tables.DOCUMENTS, **{name: one[name] for name in ("source", "path", "kind", "version", "licence")})
        | {"doc_id": one["parent_id"], "sha256": "5" * 64, "text": BRONZE_TEXT, "bytes": len(BRONZE_TEXT)}
        for one in found
    ]
    file = row(tables.FILES, sha256="f" * 64, source="tree", kind="kernel_tree", package="linux-source", origin="deb")
    silver = [
        row(tables.SILVER_DOCUMENTS, **{name: one.get(name) for name in tables.SILVER_DOCUMENTS.columns})
        | {"redactions": one["text"].count("<email"), "quality": 0.5}
        for one in found
    ]
    silver[2]["cluster_id"] = silver[2]["doc_id"]
    refused = {"doc_id": "ee" * 16, "parent_id": "b1" * 16, "source": "tree", "path": "mm/copy.c", "bytes": 90}
    rejects = [
        row(tables.REJECTS, **refused, reason="near duplicate", figure=0.91, cluster_id=silver[2]["doc_id"]),
        row(tables.REJECTS, **refused | {"doc_id": "ef" * 16, "path": "mm/x.c"}, reason="too short", figure=12.0),
    ]
    gold = [row(tables.CORPUS, **{name: one.get(name) for name in tables.CORPUS.columns}) for one in found]
    content = (
        (tables.FILES, [file]),
        (tables.DOCUMENTS, bronze),
        (tables.SILVER_DOCUMENTS, silver),
        (tables.REJECTS, rejects),
        (tables.CORPUS, gold),
    )
    with kslm.lake.open(settings) as lake:
        versions = {str(table): make_equal(lake, table, rows) for table, rows in content}
        changes = kslm.lake.change.as_outputs(lake.changes)
    return {"tables": versions, "changes": changes}
