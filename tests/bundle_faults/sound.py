"""Changes that leave the bundle sound: a file, what is replaced in it and by what."""

from __future__ import annotations

Y = "databricks.yml"
P = "resources/pipeline.job.yml"
CORPUS = "resources/corpus.job.yml"
NIGHTLY = "resources/corpus_nightly.job.yml"
MAINTAIN = "resources/maintain.job.yml"
GOLD = "resources/gold.schema.yml"

SOUND: dict[str, tuple[str, str, str]] = {
    "another schedule": (MAINTAIN, "0 0 5 ? * SAT", "0 0/15 8-18 L * ? 2026-2030"),
    "every other Friday": (MAINTAIN, "0 0 5 ? * SAT", "0 30 4 ? JAN,MAR-JUN FRI#2"),
    "another time zone": (NIGHTLY, "timezone_id: UTC", "timezone_id: Europe/Berlin"),
    "somebody to tell": (Y, "    default: []", "    default: [ops@example.com, kslm+alarm@mail.example.org]"),
    "a third size": (
        *(
            Y,
            "  prod_small:\n",
            "  tiny:\n    <<: *prod\n    variables:\n      <<: *in_prod\n      schema: kslm_tiny\n  prod_small:\n",
        ),
    ),
    "another schema": (
        GOLD,
        "    gold:\n",
        "    lab:\n      catalog_name: ${var.catalog}\n      name: ${var.schema}_lab\n    gold:\n",
    ),
    "a bucket for logs": (CORPUS, "url: /Volumes/${var.catalog}", "url: s3://logs/${var.catalog}"),
    "a trigger by the clock": (
        NIGHTLY,
        "      schedule:\n        quartz_cron_expression: 0 0 1 * * ?\n        timezone_id: UTC\n",
        "      trigger:\n        periodic: {interval: 1, unit: DAYS}\n",
    ),
    "more retries": (P, "max_retries: 1", "max_retries: 3"),
    "folders that are not synced": (Y, "exclude: [", "exclude: ['*.md', .github/**, "),
    "a budget": (Y, '    default: ""\n  service', "    default: 0f0e\n  service"),
    "a preset for names": (Y, "presets:\n", "presets:\n  source_linked_deployment: false\n"),
    "a host": (
        Y,
        "mode: production\n    workspace:\n",
        "mode: production\n    workspace:\n      host: https://x.example.com\n",
    ),
    "a webhook": (
        P,
        "      notification_settings:",
        "      webhook_notifications: {on_failure: [{id: x}]}\n      notification_settings:",
    ),
    "another volume": (
        GOLD,
        "resources:\n",
        "resources:\n  volumes:\n    lab:\n      catalog_name: ${var.catalog}\n      name: lab\n"
        "      volume_type: MANAGED\n"
        "      schema_name: ${resources.schemas.gold.name}\n",
    ),
    "another warehouse": (
        Y,
        "      catalog: staging\n",
        "      catalog: staging\n      warehouse_id: {lookup: {warehouse: Other}}\n",
    ),
    "another developers' target": (
        Y,
        "  dev:\n",
        "  mine:\n    mode: development\n    variables: {catalog: mine}\n  dev:\n",
    ),
}
