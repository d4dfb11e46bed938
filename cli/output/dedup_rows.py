"""Plans, outcomes, decisions and leaks as the JSON rows that scripts rely on.

As in `json_rows`, the names of the keys are a contract.
"""

from dataclasses import fields

from cli.errors import spelled
from cli.output.json_rows import Row
from cli.pages.evidence_text import metadata_in_words
from search.dedup.apply.apply import Outcome
from search.dedup.apply.undo import Undone
from search.dedup.decide import DecidedGroup
from search.dedup.detect.leakage import Leak
from search.dedup.plan.plan import Entry


def entry_row(entry: Entry) -> Row:
    """Return one file of a plan, by the keys of the plan itself."""
    return {field.name: getattr(entry, field.name) for field in fields(entry)}


def outcome_row(outcome: Outcome, dry_run: bool) -> Row:
    """Return what became of one dropped file; `would` is null but in a dry run."""
    return {
        "path": outcome.entry.path,
        "done": outcome.done and not dry_run,
        "would": outcome.done if dry_run else None,
        "reason": spelled(outcome.failure) if outcome.failure else None,
        "target": outcome.target,
        "sidecar": outcome.sidecar,
        "said": metadata_in_words(outcome.metadata),
        "companions": list(outcome.companions),
    }


def undone_row(undone: Undone) -> Row:
    """Return what became of one file that was to be put back."""
    return {"path": undone.step.path, "done": undone.done, "reason": undone.reason}


def decision_row(group: DecidedGroup) -> Row:
    """Return a decision; `paths` are in the order of `items`, null for a content that is gone."""
    one = group.decision
    named = {"id": one.id, "decision": one.kind, "at": one.at, "items": list(one.hashes)}
    return named | {"paths": list(group.paths)}


def leak_rows(leaked: Leak) -> list[Row]:
    """Return a test image once for each file of the training set that holds it."""
    evidence = leaked.evidence.as_row() | ({"differs": None} if leaked.unchecked else {})
    return [
        {
            "test": leaked.test,
            "path": path,
            "item": leaked.item.hash,
            "kind": leaked.kind,
            "evidence": evidence,
        }
        for path in leaked.paths
    ]
