"""Flexible crypto loans: borrowed and repaid at will, with interest by the hour."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import lending
from servers.simulator.account import FUND
from servers.simulator.errors import SimulatorError
from servers.simulator.funds import known_coin, pay, receive
from servers.simulator.instruments import COINS
from servers.simulator.pages import listed, select
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, cut, text


@tool("postCryptoLoanFlexibleBorrow")
def borrow(call: Call) -> Row:
    coin, amount = known_coin(call.word("loanCurrency"), "loanCurrency"), call.amount("loanAmount")
    lending.pledge(call, lending.read_collateral(call, call.args["collateralList"]))
    debts = lending.flexible_debts(call)
    row = debts.setdefault(coin, {"principal": "0", "interest": "0", "since": call.now})
    row["principal"] = text(Decimal(row["principal"]) + amount)
    receive(call, FUND, (coin, amount), "LOAN_BORROW")
    lending.check_ltv(call)
    order = str(call.account.next_number())
    call.account.add_row("flexibleBorrows", {
        "borrowTime": call.now, "initialLoanAmount": text(amount), "loanCurrency": coin, "orderId": order, "status": 2,
    })  # fmt: skip
    return {"orderId": order}


def _reduce(call: Call, coin: str, amount: Decimal) -> tuple[Decimal, Decimal]:
    """Pay interest first, then principal; returns both parts."""
    debts = lending.flexible_debts(call)
    row = debts.get(coin)
    if row is None:
        raise SimulatorError(148011)
    interest = min(Decimal(row["interest"]), amount)
    principal = min(Decimal(row["principal"]), amount - interest)
    row["interest"] = text(Decimal(row["interest"]) - interest)
    row["principal"] = text(Decimal(row["principal"]) - principal)
    if row["principal"] == "0" and row["interest"] == "0":
        del debts[coin]
    return interest, principal


def _note_repay(call: Call, coin: str, parts: tuple[Decimal, Decimal], kind: int) -> str:
    number = str(call.account.next_number())
    call.account.add_row("flexibleRepays", {
        "loanCurrency": coin, "repayAmount": text(parts[0] + parts[1]), "repayInterest": text(parts[0]),
        "repayPrincipal": text(parts[1]), "repayId": number, "repayStatus": 1, "repayTime": call.now, "repayType": kind,
    })  # fmt: skip
    return number


@tool("postCryptoLoanFlexibleRepay")
def repay(call: Call) -> Row:
    coin = known_coin(call.word("loanCurrency"), "loanCurrency")
    parts = _reduce(call, coin, call.amount("amount"))
    pay(call, FUND, (coin, parts[0] + parts[1]), "LOAN_REPAY", code=175003)
    return {"repayId": _note_repay(call, coin, parts, 1)}


@tool("postCryptoLoanFlexibleRepayCollateral")
def repay_collateral(call: Call) -> Row:
    coin = known_coin(call.word("loanCurrency"), "loanCurrency")
    pledged, amount = known_coin(call.word("collateralCoin"), "collateralCoin"), call.amount("amount")
    price = call.market.usd(pledged, call.now) / call.market.usd(coin, call.now)
    parts = _reduce(call, coin, amount)
    sold = cut((parts[0] + parts[1]) / price)
    lending.drop(call, pledged, sold)
    return {"repayId": _note_repay(call, coin, parts, 2)}


@tool("getCryptoLoanFlexibleOngoingCoin")
def ongoing(call: Call) -> Row:
    rows = [
        {"hourlyInterestRate": text(cut(COINS[coin].rate / 8760, Decimal("0.000000000001"))), "loanCurrency": coin,
         "totalDebt": text(Decimal(row["principal"]) + Decimal(row["interest"])), "unpaidAmount": row["principal"],
         "unpaidInterest": row["interest"]}
        for coin, row in lending.flexible_debts(call).items()
    ]  # fmt: skip
    return {"list": select(call, rows, loanCurrency="loanCurrency")}


@tool("getCryptoLoanFlexibleBorrowHistory")
def borrow_history(call: Call) -> Row:
    fields = {"orderId": "orderId", "loanCurrency": "loanCurrency"}
    return listed(call, select(call, call.account.table("flexibleBorrows"), **fields), 10)


@tool("getCryptoLoanFlexibleRepaymentHistory")
def repayment_history(call: Call) -> Row:
    fields = {"repayId": "repayId", "loanCurrency": "loanCurrency"}
    return listed(call, select(call, call.account.table("flexibleRepays"), **fields), 10)
