"""Crypto loans as a whole: what can be borrowed and pledged, the position, changes of collateral."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import lending
from servers.simulator.funds import known_coin
from servers.simulator.instruments import COINS
from servers.simulator.pages import listed, select
from servers.simulator.registry import Call, tool
from servers.simulator.values import ZERO, Row, cut, text


@tool("getCryptoLoanCommonCollateralData")
def collateral_data(call: Call) -> Row:
    names = [known_coin(call.word("currency"), "currency")] if call.word("currency") else list(COINS)
    rows = []
    for place, name in enumerate(names, 1):
        ratio = COINS[name].collateral
        tiers = [
            {"minValue": "0", "maxValue": "1000000", "collateralRatio": text(ratio)},
            {"minValue": "1000000", "maxValue": "", "collateralRatio": text(cut(ratio * Decimal("0.8")))},
        ]
        rows.append({"currencies": name, "liquidationOrder": place, "collateralRatioList": tiers})
    order = [{"currency": name, "liquidationOrder": place} for place, name in enumerate(names, 1)]
    return {"collateralRatioConfigList": rows, "currencyLiquidationList": order}


@tool("getCryptoLoanCommonLoanableData")
def loanable_data(call: Call) -> Row:
    names = [known_coin(call.word("currency"), "currency")] if call.word("currency") else list(COINS)
    level = call.word("vipLevel", "VIP0")
    rows = []
    for name in names:
        price = call.market.usd(name, call.now // lending.DAY_MS * lending.DAY_MS)
        rows.append({
            "currency": name, "vipLevel": level, "flexibleBorrowable": True, "fixedBorrowable": True,
            "flexibleAnnualizedInterestRate": text(COINS[name].rate),
            **{f"annualizedInterestRate{term}D": text(lending.market_rate(name, term,
            call.now)) for term in lending.TERMS},
            "minFlexibleBorrowingAmount": text(cut(100 / price, Decimal("0.0001"))),
            "maxFlexibleBorrowingAmount": text(cut(500_000 / price, Decimal("0.0001"))),
            "minFixedBorrowingAmount": text(cut(100 / price, Decimal("0.0001"))),
            "maxBorrowingAmount": text(cut(500_000 / price, Decimal("0.0001"))),
            "borrowingAccuracy": COINS[name].digits,
        })  # fmt: skip
    return {"list": rows}


@tool("getCryptoLoanCommonMaxCollateralAmount")
def max_collateral(call: Call) -> Row:
    coin = known_coin(call.word("currency"), "currency")
    held = Decimal(lending.collateral(call.account).get(coin, "0"))
    spare = max(lending.collateral_value(call) - lending.total_debt(call) / lending.BORROW_LTV, ZERO)
    most = cut(spare / COINS[coin].collateral / call.market.usd(coin, call.now))
    return {"maxCollateralAmount": text(min(held, most))}


@tool("postCryptoLoanCommonMaxLoan")
def max_loan(call: Call) -> Row:
    coin = known_coin(call.word("currency"), "currency")
    extra = lending.read_collateral(call, call.args["collateralList"], "ccy")
    room = lending.collateral_value(call, extra) * lending.BORROW_LTV
    room += max(lending.collateral_value(call) * lending.BORROW_LTV - lending.total_debt(call), ZERO)
    price = call.market.usd(coin, call.now)
    return {"currency": coin, "maxLoan": text(cut(room / price)), "notionalUsd": text(cut(room, Decimal("0.01"))),
            "remainingQuota": text(cut(max(500_000 - lending.total_debt(call), ZERO)))}  # fmt: skip


@tool("postCryptoLoanCommonAdjustLtv")
def adjust_ltv(call: Call) -> Row:
    coin, amount = known_coin(call.word("currency"), "currency"), call.amount("amount")
    before, is_add = lending.ltv(call), call.word("direction") in ("0", "1")
    if is_add:
        lending.pledge(call, {coin: amount})
    else:
        lending.release(call, coin, amount)
        lending.check_ltv(call)
    number = call.account.next_number()
    call.account.add_row("loanAdjustments", {
        "collateralCurrency": coin, "adjustId": number, "adjustTime": call.now, "preLTV": text(before),
        "afterLTV": text(lending.ltv(call)), "direction": 0 if is_add else 1, "status": 1, "amount": text(amount),
    })  # fmt: skip
    return {"adjustId": str(number)}


@tool("getCryptoLoanCommonAdjustmentHistory")
def adjustment_history(call: Call) -> Row:
    fields = {"adjustId": "adjustId", "collateralCurrency": "collateralCurrency"}
    return listed(call, select(call, call.account.table("loanAdjustments"), **fields), 10)


@tool("getCryptoLoanCommonPosition")
def position(call: Call) -> Row:
    def dollars(coin: str, amount: Decimal) -> str:
        return text(cut(amount * call.market.usd(coin, call.now), Decimal("0.01")))

    flexible = [
        {"loanCurrency": coin, "hourlyInterestRate": text(cut(COINS[coin].rate / 8760, Decimal("0.000000000001"))),
         "totalDebt": text(Decimal(row["principal"]) + Decimal(row["interest"])), "unpaidInterest": row["interest"],
         "totalDebtUSD": dollars(coin, Decimal(row["principal"]) + Decimal(row["interest"]))}
        for coin, row in lending.flexible_debts(call).items()
    ]  # fmt: skip
    fixed: dict[str, Decimal] = {}
    for row in call.account.table("fixedLoans"):
        fixed[row["loanCurrency"]] = fixed.get(row["loanCurrency"], ZERO) + lending.fixed_debt(row, call.now)
    supplied: dict[str, Decimal] = {}
    for row in call.account.table("fixedSupplies"):
        supplied[row["supplyCurrency"]] = supplied.get(row["supplyCurrency"], ZERO) + Decimal(row["supplyAmount"])
    pledged = [{"currency": coin, "amount": amount, "amountUSD": dollars(coin, Decimal(amount))}
               for coin, amount in lending.collateral(call.account).items()]  # fmt: skip
    return {
        "borrowList": flexible,
        "fixedBorrowList": [{"loanCurrency": coin, "totalDebt": text(owed), "totalDebtUSD": dollars(coin, owed)}
                            for coin, owed in fixed.items()],
        "supplyList": [{"currency": coin, "amount": text(lent), "amountUSD": dollars(coin, lent)}
                       for coin, lent in supplied.items()],
        "collateralList": pledged,
        "ltv": text(lending.ltv(call)),
        "totalCollateral": text(cut(lending.collateral_value(call), Decimal("0.01"))),
        "totalDebt": text(cut(lending.total_debt(call), Decimal("0.01"))),
        "totalSupply": text(sum((Decimal(dollars(coin, lent)) for coin, lent in supplied.items()), ZERO)),
    }  # fmt: skip
