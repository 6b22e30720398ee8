"""What the account owns in each wallet and in its sub-accounts."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import margin
from servers.simulator.account import FUND, UNIFIED
from servers.simulator.errors import param_error
from servers.simulator.funds import known_coin, wallet_named
from servers.simulator.instruments import COINS
from servers.simulator.people import sub_accounts, sub_balance
from servers.simulator.registry import Call, tool
from servers.simulator.values import ZERO, Row, cut, text


def _free_to_move(call: Call, wallet: str, coin: str) -> Decimal:
    if wallet == UNIFIED:
        return margin.withdrawable(call.account, call.market, coin, call.now)
    return call.account.free(wallet, coin)


def _held(call: Call, wallet: str, coin: str) -> tuple[Decimal, Decimal]:
    """Balance and what may be moved out of it; a member id asks about a sub-account."""
    member = call.whole("memberId")
    if member and member != call.account.uid:
        amount = sub_balance(call.account, str(member), coin) if wallet == FUND else ZERO
        return amount, amount
    return call.account.cash(wallet, coin), _free_to_move(call, wallet, coin)


@tool("accountCoinBalanceQuery")
def account_coin_balance(call: Call) -> Row:
    wallet, coin = wallet_named(call.word("accountType")), known_coin(call.word("coin"))
    balance, movable = _held(call, wallet, coin)
    return {
        "accountType": wallet,
        "bizType": 1,
        "accountId": str(call.account.uid),
        "memberId": str(call.whole("memberId", call.account.uid)),
        "balance": {
            "coin": coin,
            "walletBalance": text(balance),
            "transferBalance": text(movable),
            "bonus": "0" if call.word("withBonus") == "1" else "",
            "transferSafeAmount": text(movable) if call.word("withTransferSafeAmount") == "1" else "",
            "ltvTransferSafeAmount": text(movable) if call.word("withLtvTransferSafeAmount") == "1" else "",
        },
    }


@tool("userAssetInfoQuery")
def account_coins_balance(call: Call) -> Row:
    wallet = wallet_named(call.word("accountType"))
    names = [known_coin(part) for part in call.word("coin").split(",") if part]
    if wallet == UNIFIED and not names:
        raise param_error("coin is required for the UNIFIED account")
    rows = []
    for coin in names or sorted(call.account.state["cash"][wallet]):
        balance, movable = _held(call, wallet, coin)
        rows.append({"coin": coin, "transferBalance": text(movable), "walletBalance": text(balance), "bonus": ""})
    return {"accountType": wallet, "memberId": str(call.whole("memberId", call.account.uid)), "balance": rows}


def wallet_dollars(call: Call, wallet: str) -> Decimal:
    if wallet == UNIFIED:
        return margin.summarise(call.account, call.market, call.now).equity
    coins = call.account.state["cash"].get(wallet, {})
    return sum((Decimal(amount) * call.market.usd(coin, call.now) for coin, amount in coins.items()), ZERO)


@tool("getAssetOverview")
def asset_overview(call: Call) -> Row:
    unit = call.word("valuationCurrency", "USD")
    price = call.market.usd("USDT" if unit == "USD" else known_coin(unit, "valuationCurrency"), call.now)
    wallets = [wallet_named(call.word("accountType"))] if call.word("accountType") else [FUND, UNIFIED]
    rows = []
    total = ZERO
    for wallet in wallets:
        equity = cut(wallet_dollars(call, wallet) / price)
        total += equity
        rows.append(
            {
                "accountType": "FundingAccount" if wallet == FUND else "UnifiedTradingAccount",
                "totalEquity": text(equity),
                "valuationCurrency": unit,
                "categories": [],
                "coinDetail": [
                    {"coin": coin, "equity": amount}
                    for coin, amount in sorted(call.account.state["cash"][wallet].items())
                ],
            }
        )
    return {"totalEquity": text(total), "valuationCurrency": unit, "memberId": str(call.account.uid), "list": rows}


@tool("getTotalMembersAssets")
def total_members_assets(call: Call) -> Row:
    unit = known_coin(call.word("coin", "USDT"))
    subs = sum((sub_balance(call.account, sub["uid"], coin) * call.market.usd(coin, call.now)
                for sub in sub_accounts(call.account) for coin in COINS), ZERO)  # fmt: skip
    total = wallet_dollars(call, UNIFIED) + wallet_dollars(call, FUND) + subs
    return {"totalAssets": text(cut(total / call.market.usd(unit, call.now))), "coin": unit}


@tool("getWithdrawableAmountByCoin")
def withdrawable_amount(call: Call) -> Row:
    coin = known_coin(call.word("coin"))
    amounts = {
        name: {
            "coin": coin,
            "withdrawableAmount": text(_free_to_move(call, wallet, coin)),
            "availableBalance": text(call.account.cash(wallet, coin)),
        }
        for name, wallet in (("FUND", FUND), ("UTA", UNIFIED))
    }
    return {"limitAmountUsd": "1000000", "withdrawableAmount": amounts}


@tool("transferCoinListQuery")
def transfer_coins(call: Call) -> Row:
    source = wallet_named(call.word("fromAccountType"), "fromAccountType")
    target = wallet_named(call.word("toAccountType"), "toAccountType")
    if source == target:
        raise param_error("fromAccountType and toAccountType must differ")
    return {"list": list(COINS)}


@tool("subMemberListQuery")
def sub_member_list(call: Call) -> Row:
    uids = [sub["uid"] for sub in sub_accounts(call.account)]
    return {"subMemberIds": uids, "transferableSubMemberIds": uids[:1]}
