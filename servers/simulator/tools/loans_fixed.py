"""Fixed-term crypto loans and lending: orders that meet the market's rate run at once, others wait."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import lending
from servers.simulator.account import FUND
from servers.simulator.errors import SimulatorError
from servers.simulator.funds import find_row, known_coin, pay, receive
from servers.simulator.lending import DAY_MS
from servers.simulator.pages import listed, select
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.values import ZERO, Row, cut, text

_MATCHING, _FILLED, _CANCELLED = 1, 3, 4


def term_interest(amount: Decimal, rate: Decimal, days: int) -> Decimal:
    return cut(amount * rate * days / 365)


@on_every_call
def _repaid_supplies(call: Call) -> list[Row]:
    """Money lent out comes back with interest when its term has run."""
    kept = []
    for row in call.account.table("fixedSupplies"):
        if int(row["redemptionTime"]) > call.now:
            kept.append(row)
        else:
            paid = Decimal(row["supplyAmount"]) + Decimal(row["interest"])
            receive(call, FUND, (row["supplyCurrency"], paid), "LOAN_SUPPLY_MATURED")
    call.account.state["tables"]["fixedSupplies"] = kept
    return kept


@tool("postCryptoLoanFixedBorrow")
def borrow(call: Call) -> Row:
    coin, amount = known_coin(call.word("orderCurrency"), "orderCurrency"), call.amount("orderAmount")
    term, rate = lending.check_term(call.word("term")), lending.yearly_rate(call)
    lending.pledge(call, lending.read_collateral(call, call.args["collateralList"]))
    is_met = rate >= lending.market_rate(coin, term, call.now)
    order = str(call.account.next_number())
    call.account.add_row("fixedBorrowOrders", {
        "annualRate": text(rate), "orderId": order, "orderTime": str(call.now),
        "filledQty": text(amount) if is_met else "0",
        "orderQty": text(amount), "orderCurrency": coin, "repayType": call.word("repayType", "1"),
        "state": _FILLED if is_met else _MATCHING, "term": term, "autoRepay": call.word("autoRepay", "1"),
    })  # fmt: skip
    if is_met:
        _open_loan(call, order, (coin, amount), (rate, int(term)))
        receive(call, FUND, (coin, amount), "LOAN_BORROW")
    lending.check_ltv(call)
    return {"orderId": order}


def _open_loan(call: Call, order: str, money: tuple[str, Decimal], terms: tuple[Decimal, int]) -> Row:
    coin, amount = money
    rate, days = terms
    return call.account.add_row("fixedLoans", {
        "loanId": str(call.account.next_number()), "orderId": order, "loanCurrency": coin, "annualRate": text(rate),
        "borrowTime": str(call.now), "borrowCurrency": coin, "repaymentTime": str(call.now + days * DAY_MS),
        "residualQty": text(amount), "interest": text(term_interest(amount, rate, days)), "term": str(days),
        "status": 1, "autoRepay": "1", "residualPenaltyInterest": "0",
    })  # fmt: skip


@tool("postCryptoLoanFixedBorrowOrderCancel")
def cancel_borrow(call: Call) -> Row:
    _waiting(call, "fixedBorrowOrders")["state"] = _CANCELLED
    return {}


def _waiting(call: Call, table: str) -> Row:
    row = find_row(call.account.table(table), "orderId", call.word("orderId"), 148011)
    if row["state"] != _MATCHING:
        raise SimulatorError(148011, "The order is no longer waiting")
    return row


def _loan(call: Call) -> Row:
    row = find_row(call.account.table("fixedLoans"), "loanId", call.word("loanId"), 148011)
    if call.word("loanCurrency", row["loanCurrency"]) != row["loanCurrency"]:
        raise SimulatorError(148011)
    return row


def _note_repay(call: Call, loan: Row, parts: tuple[Decimal, Decimal], kind: int) -> str:
    number = str(call.account.next_number())
    call.account.add_row("fixedRepays", {
        "details": [{"loanCurrency": loan["loanCurrency"], "repayAmount": text(parts[0] + parts[1]),
                     "loanId": loan["loanId"]}],
        "loanCurrency": loan["loanCurrency"], "repayAmount": text(parts[0] + parts[1]), "repayInterest": text(parts[0]),
        "repayPrincipal": text(parts[1]), "repayId": number, "repayStatus": 1, "repayTime": call.now, "repayType": kind,
    })  # fmt: skip
    return number


def _pay_down(call: Call, loan: Row, amount: Decimal) -> tuple[Decimal, Decimal]:
    """Interest first, then principal; a loan without rest is over."""
    interest = min(Decimal(loan["interest"]), amount)
    principal = min(Decimal(loan["residualQty"]), amount - interest)
    loan["interest"] = text(Decimal(loan["interest"]) - interest)
    loan["residualQty"] = text(Decimal(loan["residualQty"]) - principal)
    if loan["interest"] == "0" and loan["residualQty"] == "0":
        rows = call.account.table("fixedLoans")
        call.account.state["tables"]["fixedLoans"] = [row for row in rows if row is not loan]
    return interest, principal


@tool("postCryptoLoanFixedFullyRepay")
def fully_repay(call: Call) -> Row:
    loan = _loan(call)
    parts = _pay_down(call, loan, lending.fixed_debt(loan, call.now))
    pay(call, FUND, (loan["loanCurrency"], sum(parts, ZERO)), "LOAN_REPAY", code=175003)
    return {"repayId": _note_repay(call, loan, parts, 1)}


@tool("postCryptoLoanFixedRepayCollateral")
def repay_collateral(call: Call) -> Row:
    loan, coin = _loan(call), known_coin(call.word("collateralCoin"), "collateralCoin")
    parts = _pay_down(call, loan, call.amount("amount"))
    price = call.market.usd(coin, call.now) / call.market.usd(loan["loanCurrency"], call.now)
    lending.drop(call, coin, cut(sum(parts, ZERO) / price))
    return {"repayId": _note_repay(call, loan, parts, 2)}


@tool("postCryptoLoanFixedRenew")
def renew(call: Call) -> Row:
    loan = _loan(call)
    lending.pledge(call, lending.read_collateral(call, call.args["collateralList"]))
    owed, term = lending.fixed_debt(loan, call.now), loan["term"]
    _pay_down(call, loan, owed)
    rate = lending.market_rate(loan["loanCurrency"], term, call.now)
    order = str(call.account.next_number())
    fresh = _open_loan(call, order, (loan["loanCurrency"], owed), (rate, int(term)))
    lending.check_ltv(call)
    call.account.add_row("fixedRenewals", {
        "borrowCurrency": loan["loanCurrency"], "amount": text(owed), "autoRepay": "1", "contractNo": fresh["loanId"],
        "dueTime": fresh["repaymentTime"], "orderId": order, "orderCurrency": loan["loanCurrency"],
        "loanId": loan["loanId"],
        "renewLoanNo": fresh["loanId"], "time": str(call.now), "status": 1,
    })  # fmt: skip
    return {"orderId": order}


@tool("postCryptoLoanFixedSupply")
def supply(call: Call) -> Row:
    coin, amount = known_coin(call.word("orderCurrency"), "orderCurrency"), call.amount("orderAmount")
    term, rate = lending.check_term(call.word("term")), lending.yearly_rate(call)
    pay(call, FUND, (coin, amount), "LOAN_SUPPLY", code=175003)
    is_met = rate <= lending.market_rate(coin, term, call.now)
    order = str(call.account.next_number())
    call.account.add_row("fixedSupplyOrders", {
        "annualRate": text(rate), "orderId": order, "orderTime": str(call.now),
        "filledQty": text(amount) if is_met else "0",
        "orderQty": text(amount), "orderCurrency": coin, "state": _FILLED if is_met else _MATCHING, "term": term,
    })  # fmt: skip
    if is_met:
        call.account.add_row("fixedSupplies", {
            "supplyId": str(call.account.next_number()), "orderId": order, "supplyCurrency": coin,
            "annualRate": text(rate), "supplyTime": str(call.now), "redemptionTime": str(call.now + int(term) * DAY_MS),
            "supplyAmount": text(amount), "interest": text(term_interest(amount, rate, int(term))), "term": term,
            "status": 1, "paidInterest": "0", "residualPenaltyInterest": "0",
        })  # fmt: skip
    return {"orderId": order}


@tool("postCryptoLoanFixedSupplyOrderCancel")
def cancel_supply(call: Call) -> Row:
    row = _waiting(call, "fixedSupplyOrders")
    row["state"] = _CANCELLED
    receive(call, FUND, (row["orderCurrency"], Decimal(row["orderQty"])), "LOAN_SUPPLY_BACK")
    return {}


def _quotes(call: Call, *, is_supply: bool) -> Row:
    named = call.word("orderCurrency")
    coins = [known_coin(named, "orderCurrency")] if named else ["USDT", "USDC", "BTC", "ETH"]
    terms = [lending.check_term(call.word("term"))] if call.word("term") else list(lending.TERMS)
    rows = [
        row
        for coin in coins
        for term in terms
        for row in lending.market_quotes(call.market, coin, term, call.now, is_supply=is_supply)
    ]
    field = call.word("orderBy", "annualRate")
    rows.sort(key=lambda row: Decimal(str(row.get(field, row["annualRate"]))), reverse=call.word("sort", "1") != "1")
    return {"list": rows[: max(min(call.whole("limit", 10), 100), 1)]}


@tool("getCryptoLoanFixedBorrowOrderQuote")
def lenders_offers(call: Call) -> Row:
    return _quotes(call, is_supply=True)


@tool("getCryptoLoanFixedSupplyOrderQuote")
def borrowers_requests(call: Call) -> Row:
    return _quotes(call, is_supply=False)


# tool: table, and the argument that filters each field
_LISTS = {
    "getCryptoLoanFixedBorrowContractInfo": ("fixedLoans", {"orderId": "orderId", "loanId": "loanId",
                                             "orderCurrency": "loanCurrency", "term": "term"}),
    "getCryptoLoanFixedBorrowOrderInfo": ("fixedBorrowOrders", {"orderId": "orderId", "orderCurrency": "orderCurrency",
                                          "state": "state", "term": "term"}),
    "getCryptoLoanFixedRenewInfo": ("fixedRenewals", {"orderId": "orderId", "orderCurrency": "orderCurrency"}),
    "getCryptoLoanFixedRepaymentHistory": ("fixedRepays", {"repayId": "repayId", "loanCurrency": "loanCurrency"}),
    "getCryptoLoanFixedSupplyContractInfo": ("fixedSupplies", {"orderId": "orderId", "supplyId": "supplyId",
                                             "supplyCurrency": "supplyCurrency", "term": "term"}),
    "getCryptoLoanFixedSupplyOrderInfo": ("fixedSupplyOrders", {"orderId": "orderId", "orderCurrency": "orderCurrency",
                                          "state": "state", "term": "term"}),
}  # fmt: skip


@tool(*_LISTS)
def loan_lists(call: Call) -> Row:
    _repaid_supplies(call)
    table, fields = _LISTS[call.tool]
    return listed(call, select(call, call.account.table(table), **fields), 10)
