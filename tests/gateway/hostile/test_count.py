"""Every item of the hostile table has its rows, and each item something harmless that passes."""

from collections import Counter
from typing import Final

from tests.gateway.hostile import test_changes, test_errors, test_way_back, test_windows
from tests.gateway.hostile.test_table import TABLE
from tests.gateway.test_session_owners import STRANGERS, VERBS

# Kept as tables of their own, because each row of them is more than one message. All name their harmless twin.
STORIES: Final = {
    8: len(STRANGERS) * len(VERBS),
    10: len(test_windows.WAYS),
    11: len(test_changes.ENDINGS),
    13: len(test_errors.FAULTS),
    14: len(test_way_back.NO_ANSWERS) + len(test_way_back.PLACES) + len(test_way_back.FAILURES),
}
LEAST: Final = {1: 40, 2: 80, 3: 60, 4: 60, 5: 70, 6: 60, 7: 70, 8: 50, 9: 20, 10: 10, 11: 14, 12: 25, 13: 6, 14: 40}


def test_every_item_has_rows_and_a_harmless_twin() -> None:
    rows = Counter(row.item for row in TABLE) + Counter(STORIES)
    assert rows.keys() == LEAST.keys() == set(range(1, 15))
    assert [item for item, least in LEAST.items() if rows[item] < least] == []
    assert rows.total() >= 700
    fine = {row.item for row in TABLE if row.answer.is_forwarded}
    assert fine | STORIES.keys() == set(range(1, 15))
    assert len(set(map(str, TABLE))) == len(TABLE)
