"""Deposits, withdrawals, addresses and transfers; the opening balances are explained by the oldest of them."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import DAY_MS, FUND, OPENING, UNIFIED, Account
from servers.simulator.errors import param_error
from servers.simulator.funds import known_coin
from servers.simulator.instruments import COINS
from servers.simulator.pages import between, listed, page, select
from servers.simulator.people import SUB_FUNDS, sub_accounts, sub_named
from servers.simulator.registry import Call, tool
from servers.simulator.values import ZERO, Row, cut, dec, text

_WITHDRAWN = {"coin": "USDC", "amount": "500", "fee": "1"}
_MONTH_MS = 30 * DAY_MS


def _rows(call: Call, rows: list[Row], default: int = 50) -> Row:
    chosen, cursor = page(call, list(reversed(rows)), default)
    return {"rows": chosen, "nextPageCursor": cursor}


def _check_span(call: Call, longest: int = _MONTH_MS) -> None:
    start, end = call.whole("startTime"), call.whole("endTime")
    if start and end and end - start > longest:
        raise param_error(f"the time range must not exceed {longest // DAY_MS} days")


def address_of(account: Account, coin: str, chain: str, owner: str = "master") -> str:
    """A made-up address that no chain would accept as valid but that keeps its look."""
    return f"sim-{chain.lower()}-{account.stable_hex('address', owner, coin, chain)[:32]}"


def _deposited(coin: str) -> Decimal:
    """Everything that ever came in on chain: the opening balances and what was passed on since."""
    total = sum((Decimal(OPENING[wallet].get(coin, "0")) for wallet in (FUND, UNIFIED)), ZERO)
    total += sum((Decimal(funds.get(coin, "0")) for funds in SUB_FUNDS.values()), ZERO)
    if coin == _WITHDRAWN["coin"]:
        total += Decimal(_WITHDRAWN["amount"]) + Decimal(_WITHDRAWN["fee"])
    return total


@tool("queryDepositRecords")
def deposit_records(call: Call) -> Row:
    _check_span(call)
    account = call.account
    rows = []
    for place, coin in enumerate(coin for coin in COINS if _deposited(coin)):
        chain = COINS[coin].chains[0]
        at = account.state["created"] + place * 60_000
        rows.append({
            "id": str(account.uid * 100 + place), "coin": coin, "chain": chain, "amount": text(_deposited(coin)),
            "txID": account.stable_hex("deposit", coin), "status": 3, "toAddress": address_of(account, coin, chain),
            "tag": "", "depositFee": "0", "successAt": str(at), "confirmations": "24", "txIndex": "0",
            "blockHash": account.stable_hex("block", coin), "batchReleaseLimit": "-1", "depositType": "0",
            "fromAddress": address_of(account, coin, chain, "outside"), "taxDepositRecordsId": "", "taxStatus": 0,
        })  # fmt: skip
    if call.word("id"):
        return _rows(call, [row for row in rows if row["id"] == call.word("id")])
    return _rows(call, between(call, select(call, rows, coin="coin", txID="txID"), "successAt"))


@tool("queryInternalDepositRecords")
def internal_deposit_records(call: Call) -> Row:
    _check_span(call)
    rows = select(call, call.account.table("internalDeposits"), coin="coin", txID="txID", status="status")
    return _rows(call, between(call, rows, "createdTime"))


@tool("querySubMemberDepositRecords")
def sub_deposit_records(call: Call) -> Row:
    _check_span(call)
    sub_named(call.account, call.word("subMemberId"))
    # Sub-accounts here are funded by transfers alone.
    return {"rows": [], "nextPageCursor": ""}


def _chains(coin: str, wanted: str) -> tuple[str, ...]:
    chains = COINS[known_coin(coin)].chains
    if wanted and wanted not in chains:
        raise param_error(f"chainType {wanted[:20]} does not exist for {coin}")
    return (wanted,) if wanted else chains


def _show_address(account: Account, coin: str, chain: str, owner: str) -> Row:
    return {
        "chainType": chain,
        "addressDeposit": address_of(account, coin, chain, owner),
        "tagDeposit": str(account.uid % 10**8) if chain == "XRP" else "",
        "chain": chain,
        "batchReleaseLimit": "-1",
        "contractAddress": account.stable_hex("contract", coin)[:6] if coin in ("USDT", "USDC") else "",
    }


@tool("queryDepositAddress")
def deposit_address(call: Call) -> Row:
    coin = call.word("coin")
    rows = [_show_address(call.account, coin, chain, "master") for chain in _chains(coin, call.word("chainType"))]
    return {"coin": coin, "chains": rows}


@tool("querySubMemberDepositAddress")
def sub_deposit_address(call: Call) -> Row:
    coin, sub = call.word("coin"), sub_named(call.account, call.word("subMemberId"))
    chain = _chains(coin, call.word("chainType"))[0]
    return {"coin": coin, "chains": _show_address(call.account, coin, chain, sub["uid"])}


@tool("queryCoinChainInfo")
def coin_chain_info(call: Call) -> Row:
    names = [known_coin(call.word("coin"))] if call.word("coin") else list(COINS)
    return {"rows": [_show_coin(call, name) for name in names]}


def _show_coin(call: Call, name: str) -> Row:
    fee = _withdraw_fee(call, name)
    chains = [
        {
            "chainType": chain,
            "confirmation": "6",
            "withdrawFee": text(fee),
            "depositMin": "0",
            "withdrawMin": text(fee * 10),
            "chain": chain,
            "chainDeposit": "1",
            "chainWithdraw": "1",
            "minAccuracy": str(COINS[name].digits),
            "withdrawPercentageFee": "0",
            "contractAddress": "",
            "safeConfirmNumber": "12",
        }
        for chain in COINS[name].chains
    ]
    return {
        "name": name,
        "coin": name,
        "remainAmount": text(cut(1_000_000 / call.market.usd(name, call.now))),
        "chains": chains,
    }


def _withdraw_fee(call: Call, coin: str) -> Decimal:
    day = call.now // DAY_MS * DAY_MS
    digits = min(COINS[coin].digits, 6)
    return max((1 / call.market.usd(coin, day)).quantize(Decimal(1).scaleb(-digits)), Decimal(1).scaleb(-digits))


@tool("queryWithdrawAddresses")
def withdraw_addresses(call: Call) -> Row:
    account = call.account
    rows = [
        {
            "coin": coin,
            "chain": COINS[coin].chains[0],
            "address": address_of(account, coin, COINS[coin].chains[0], "cold storage"),
            "tag": "",
            "remark": "cold storage",
            "status": 0,
            "addressType": 0,
            "verified": 1,
            "createAt": str(account.state["created"] + DAY_MS),
        }
        for coin in ("BTC", "ETH", "USDC")
    ]
    friends = [
        {"coin": "", "chain": "", "address": sub["uid"], "tag": "", "remark": sub["username"], "status": 0,
         "addressType": 1, "verified": 1, "createAt": str(account.state["created"] + 2 * DAY_MS)}
        for sub in sub_accounts(account)
    ]  # fmt: skip
    kind = call.word("addressType", "0")
    found = {"0": select(call, rows, coin="coin", chain="chain"), "1": friends, "2": [*rows, *friends]}[kind]
    return _rows(call, found)


@tool("queryWithdrawRecords")
def withdraw_records(call: Call) -> Row:
    _check_span(call)
    account, at = call.account, call.account.state["created"] + 3 * DAY_MS
    coin = _WITHDRAWN["coin"]
    chain = COINS[coin].chains[0]
    row = {
        "withdrawId": str(account.uid * 10 + 7), "txID": account.stable_hex("withdrawal"), "withdrawType": 0,
        "coin": coin, "chain": chain, "amount": _WITHDRAWN["amount"], "withdrawFee": _WITHDRAWN["fee"],
        "status": "success", "toAddress": address_of(account, coin, chain, "cold storage"), "tag": "",
        "createTime": str(at), "updateTime": str(at + 900_000), "tax": "",
    }  # fmt: skip
    rows = [] if call.word("withdrawType") == "1" else [row]
    rows = select(call, rows, withdrawID="withdrawId", txID="txID", coin="coin")
    return _rows(call, between(call, rows, "createTime"))


@tool("getVASPList")
def vasp_list(call: Call) -> Row:
    names = ("Coinbase", "Kraken", "Bitstamp", "Bitvavo", "Upbit")
    rows = [{"vaspEntityId": name.lower(), "vaspName": name} for name in names]
    return {"vasp": [*rows, {"vaspEntityId": "others", "vaspName": "others"}]}


@tool("setDefaultDepositToAccount")
def set_default_deposit_account(call: Call) -> Row:
    call.account.settings["depositTo"] = call.word("accountType")
    return {"status": 1}


@tool("interTransferListQuery")
def inter_transfers(call: Call) -> Row:
    _check_span(call)
    account = call.account
    rows = [
        {
            "transferId": account.stable_id("transfer", coin),
            "coin": coin,
            "amount": amount,
            "fromAccountType": FUND,
            "toAccountType": UNIFIED,
            "timestamp": str(account.state["created"] + DAY_MS // 2 + place * 1000),
            "status": "SUCCESS",
        }
        for place, (coin, amount) in enumerate(OPENING[UNIFIED].items())
    ]
    return listed(call, between(call, select(call, rows, **_TRANSFER_FIELDS), "timestamp"))


_TRANSFER_FIELDS = {"transferId": "transferId", "coin": "coin", "status": "status"}


@tool("universalTransferListQuery")
def universal_transfers(call: Call) -> Row:
    _check_span(call)
    account, rows = call.account, []
    for sub in sub_accounts(account):
        for coin, amount in SUB_FUNDS[sub["username"]].items():
            rows.append({
                "transferId": account.stable_id("universal", sub["uid"], coin), "coin": coin, "amount": amount,
                "fromMemberId": str(account.uid), "toMemberId": sub["uid"], "fromAccountType": FUND,
                "toAccountType": FUND, "timestamp": str(account.state["created"] + DAY_MS), "status": "SUCCESS",
            })  # fmt: skip
    return listed(call, between(call, select(call, rows, **_TRANSFER_FIELDS), "timestamp"))


@tool("queryFundingDetailApi")
def funding_detail(call: Call) -> Row:
    start, end = call.whole("createTimeFrom"), call.whole("createTimeTo")
    if bool(start) != bool(end):
        raise param_error("createTimeFrom and createTimeTo must be sent together")
    if end - start > 7 * DAY_MS:
        raise param_error("the time range must not exceed 7 days")
    first, last = (start, end) if start else (call.now - 7 * DAY_MS, call.now)
    rows = [row for row in call.account.state["funding_history"] if first <= dec(row["createTime"]) <= last]
    return listed(call, rows)


@tool("getDeliveryRecord")
def delivery_record(call: Call) -> Row:
    _check_span(call)
    rows = [row for row in call.account.table("deliveries") if row["category"] == call.word("category")]
    rows = between(call, select(call, rows, symbol="symbol"), "deliveryTime")
    return {"category": call.word("category"), **listed(call, rows)}


@tool("getSettlementRecord")
def settlement_record(call: Call) -> Row:
    _check_span(call)
    rows = between(call, select(call, call.account.table("settlements"), symbol="symbol"), "createdTime")
    return {"category": "linear", **listed(call, rows)}
