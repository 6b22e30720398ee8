"""The account as an exchange broker: clients' rate limits, rebates, vouchers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from servers.simulator.account import DAY_MS, Account
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row
from servers.simulator.pages import page, select
from servers.simulator.people import referred_friends, sub_accounts
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, cut, dec, text

_BUDGETS = {
    "120001": ("USDT", "Trading bonus", "DERIVATIVES", "5000"),
    "120002": ("BTC", "Spot airdrop", "SPOT", "0.5"),
}
_CAPS = {"SPOT": 600, "DERIVATIVES": 900, "OPTIONS": 150}


def _clients(account: Account) -> list[str]:
    return [friend["userId"] for friend in referred_friends(account)]


@tool("queryBrokerAccountInfo")
def account_info(call: Call) -> Row:
    return {
        "subAcctQty": str(len(_clients(call.account))),
        "maxSubAcctQty": "1000",
        "baseFeeRebateRate": {"spot": "10.0%", "derivatives": "10.0%"},
        "markupFeeRebateRate": {"spot": "0.0%", "derivatives": "0.0%", "convert": "0.0%"},
        "ts": str(call.now),
    }


def _limits(call: Call) -> dict[str, dict[str, int]]:
    held: dict[str, dict[str, int]] = call.account.settings.setdefault("apiLimits", {})
    return held


@tool("setBrokerApiLimit")
def set_api_limit(call: Call) -> Row:
    known = {str(call.account.uid), *_clients(call.account), *(sub["uid"] for sub in sub_accounts(call.account))}
    done = []
    for entry in call.args.get("list") or []:
        for uid in (part.strip() for part in entry["uids"].split(",")):
            is_known, is_fine = uid in known, 1 <= entry["rate"] <= _CAPS[entry["bizType"]]
            if is_known and is_fine:
                _limits(call).setdefault(uid, {})[entry["bizType"]] = entry["rate"]
            message = "API limit updated successfully" if is_known and is_fine else (
                "rate exceeds the cap" if is_known else "uid is not known")  # fmt: skip
            done.append({"uids": uid, "bizType": entry["bizType"], "rate": entry["rate"],
                         "success": is_known and is_fine, "msg": message})  # fmt: skip
    if not done:
        raise param_error("list is required")
    return {"result": done}


@tool("queryBrokerAllUidDetails")
def uid_details(call: Call) -> Row:
    wanted = [part for part in call.word("uids").split(",") if part]
    rows = [{"uid": uid, "bizType": kind, "rate": str(rate)} for uid, kinds in sorted(_limits(call).items())
            for kind, rate in kinds.items() if not wanted or uid in wanted]  # fmt: skip
    chosen, cursor = page(call, rows, 1000)
    return {"list": chosen, "nextPageCursor": cursor}


@tool("queryBrokerCap")
def cap(call: Call) -> Row:
    used = {kind: sum(limits.get(kind, 0) for limits in _limits(call).values()) for kind in _CAPS}
    return {"list": [{"bizType": kind, "totalRate": str(used[kind]), "ebCap": str(most), "uidCap": str(most)}
                     for kind, most in _CAPS.items()]}  # fmt: skip


@tool("queryBrokerEarning")
def earnings(call: Call) -> Row:
    yesterday = datetime.fromtimestamp(call.now / 1000, UTC).date() - timedelta(days=1)
    if bool(call.word("begin")) != bool(call.word("end")):
        raise param_error("begin and end must be sent together")
    try:
        begin = (
            datetime.strptime(call.word("begin"), "%Y%m%d").replace(tzinfo=UTC).date() if call.word("begin") else None
        )
        end = (
            datetime.strptime(call.word("end"), "%Y%m%d").replace(tzinfo=UTC).date() if call.word("end") else yesterday
        )
    except ValueError:
        raise param_error("begin and end must look like 20261130") from None
    first = begin or yesterday - timedelta(days=6)
    if not 0 <= (end - first).days <= 31:
        raise param_error("the range must not exceed one month")
    rows = []
    for offset in range((min(end, yesterday) - first).days + 1):
        day = (first + timedelta(days=offset)).strftime("%Y%m%d")
        rows += [_earning(call.account, uid, day, kind) for uid in _clients(call.account) for kind in _CAPS]
    rows = select(call, rows, bizType="bizType", uid="userId")
    chosen, cursor = page(call, rows, 1000)
    total = sum((Decimal(row["earning"]) for row in rows), Decimal(0))
    return {"totalEarningCat": {"total": [{"coin": "USDT", "earning": text(total)}]}, "details": chosen,
            "nextPageCursor": cursor}  # fmt: skip


def _earning(account: Account, uid: str, day: str, kind: str) -> Row:
    amount = cut(Decimal(account.chance("rebate", uid, day, kind)) * 3, Decimal("0.0001"))
    return {"userId": uid, "bizType": kind, "symbol": "BTCUSDT", "coin": "USDT", "earning": text(amount),
            "markupEarning": "0", "baseFeeEarning": text(amount),
            "orderId": account.stable_id("rebate", uid, day, kind),
            "execId": account.stable_id("rebate exec", uid, day, kind), "execTime": day}  # fmt: skip


def _budget(award: str) -> tuple[str, str, str, str]:
    if award not in _BUDGETS:
        raise SimulatorError(131002, "The voucher does not exist")
    return _BUDGETS[award]


def _handed_out(call: Call, award: str) -> Decimal:
    rows = [row for row in call.account.table("awards") if row["awardId"] == award]
    return sum((Decimal(row["amount"]) for row in rows), Decimal(0))


@tool("getAwardInfo")
def award_info(call: Call) -> Row:
    coin, unit_name, line, total = _budget(call.word("id"))
    return {
        "id": call.word("id"), "coin": coin, "amountUnit": "AWARD_AMOUNT_UNIT_COIN",
        "productLine": f"PRODUCT_LINE_{line}",
        "subProductLine": f"SUB_PRODUCT_LINE_{line}", "totalAmount": total,
        "usedAmount": text(_handed_out(call, call.word("id"))),
        "description": unit_name,
    }  # fmt: skip


@tool("distributeAward")
def distribute_award(call: Call) -> Row:
    coin, _, line, total = _budget(call.word("awardId"))
    amount, code = call.amount("amount"), call.word("specCode")
    if not 1 <= len(code) <= 8:
        raise param_error("specCode must have 1 to 8 characters")
    digits = max(0, -int(amount.normalize().as_tuple().exponent))
    if digits > (16 if line == "SPOT" else 4):
        raise param_error("amount has too many decimals")
    if call.word("accountId") not in _clients(call.account):
        raise param_error("accountId is not a client of this broker")
    rows = call.account.table("awards")
    if any(row["specCode"] == code and row["accountId"] == call.word("accountId") for row in rows):
        raise SimulatorError(131002, "specCode has been used for this account")
    if _handed_out(call, call.word("awardId")) + amount > dec(total):
        raise SimulatorError(131002, "The budget of the voucher is used up")
    call.account.add_row("awards", {
        "accountId": call.word("accountId"), "awardId": call.word("awardId"), "specCode": code, "amount": text(amount),
        "coin": coin, "at": call.now,
    })  # fmt: skip
    return {}


@tool("getDistributionRecord")
def distribution_record(call: Call) -> Row:
    rows = [row for row in call.account.table("awards")
            if row["awardId"] == call.word("awardId") and row["accountId"] == call.word("accountId")]  # fmt: skip
    row = find_row(rows, "specCode", call.word("specCode"), 131002)
    is_claimed = call.now - row["at"] > 3_600_000
    return {
        "accountId": row["accountId"], "awardId": row["awardId"], "specCode": row["specCode"], "amount": row["amount"],
        "isClaimed": is_claimed, "startAt": str(row["at"] // 1000), "endAt": str((row["at"] + 14 * DAY_MS) // 1000),
        "effectiveAt": str(row["at"] // 1000), "ineffectiveAt": str((row["at"] + 14 * DAY_MS) // 1000),
        "usedAmount": (row["amount"] if is_claimed else "0") if call.flag("withUsedAmount") else "",
    }  # fmt: skip
