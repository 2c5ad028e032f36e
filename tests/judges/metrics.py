"""What Prometheus's own client library reads in a page of metrics.

Usage: metrics.py <file>
Prints one JSON line: [{"family", "kind", "name", "labels", "value"}, ...], one element a sample.
"""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        families = list(text_string_to_metric_families(file.read()))
    samples = [
        {
            "family": family.name,
            "kind": family.type,
            "name": sample.name,
            "labels": sample.labels,
            "value": sample.value,
        }
        for family in families
        for sample in family.samples
    ]
    print(json.dumps(samples))


main()
