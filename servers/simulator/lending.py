"""The fixed-rate money market and the pool of loan collateral, shared by the loan families; answers no tool."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from servers.simulator.account import FUND, Account
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import known_coin, pay, receive
from servers.simulator.instruments import COINS
from servers.simulator.interest import rate_at
from servers.simulator.market import Market
from servers.simulator.paths import seed_of, unit
from servers.simulator.registry import Call
from servers.simulator.values import ZERO, Row, cut, dec, text

TERMS: Final = ("7", "14", "30", "60", "90", "180")
BORROW_LTV: Final = Decimal("0.8")
DAY_MS: Final = 86_400_000


def market_rate(coin: str, term: str, now: int) -> Decimal:
    """Yearly rate at which lenders of this coin and term are met today."""
    base = COINS[coin].rate * (1 + Decimal(TERMS.index(term)) / 10)
    return rate_at(base, f"fixed{coin}{term}", now)


def market_quotes(market: Market, coin: str, term: str, now: int, *, is_supply: bool) -> list[Row]:
    """Open offers of others: lenders stand at the market rate and above, borrowers at it and below."""
    middle = market_rate(coin, term, now)
    rows = []
    for place in range(5):
        gap = Decimal("0.0005") * (place if is_supply else -place)
        size = cut(Decimal(20_000 + int(80_000 * unit(seed_of(coin, term, place) ^ (now // 3_600_000))))
                   / market.usd(coin, now // DAY_MS * DAY_MS), Decimal("0.0001"))  # fmt: skip
        rows.append({"orderCurrency": coin, "term": int(term), "annualRate": text(middle + gap), "qty": text(size)})
    return rows


def check_term(term: str) -> str:
    if term not in TERMS:
        raise param_error(f"term must be one of {', '.join(TERMS)}")
    return term


def yearly_rate(call: Call) -> Decimal:
    """The annualRate argument, a fraction above zero and below one."""
    rate = call.amount("annualRate")
    if rate >= 1:
        raise param_error("annualRate must be less than 1")
    return rate


def collateral(account: Account) -> dict[str, str]:
    """Pledged coins of crypto loans."""
    held: dict[str, str] = account.settings.setdefault("loanCollateral", {})
    return held


def read_collateral(call: Call, entries: list[Row], name: str = "currency") -> dict[str, Decimal]:
    """Coins and amounts of a collateralList argument."""
    found: dict[str, Decimal] = {}
    for entry in entries:
        amount = dec(entry.get("amount"), "amount")
        if amount <= 0:
            raise param_error("the amount of a collateral coin must be greater than 0")
        coin = known_coin(str(entry.get(name)), name)
        found[coin] = found.get(coin, ZERO) + amount
    return found


def pledge(call: Call, coins: dict[str, Decimal]) -> None:
    held = collateral(call.account)
    for coin, amount in coins.items():
        pay(call, FUND, (coin, amount), "LOAN_COLLATERAL", code=175003)
        held[coin] = text(Decimal(held.get(coin, "0")) + amount)


def release(call: Call, coin: str, amount: Decimal) -> None:
    drop(call, coin, amount)
    receive(call, FUND, (coin, amount), "LOAN_COLLATERAL_BACK")


def drop(call: Call, coin: str, amount: Decimal) -> None:
    """Take a coin out of the pledged ones; refused when there is less of it."""
    held = collateral(call.account)
    left = Decimal(held.get(coin, "0")) - amount
    if left < 0:
        raise SimulatorError(148011, "There is not enough collateral in this coin")
    if left:
        held[coin] = text(left)
    else:
        held.pop(coin, None)


def collateral_value(call: Call, coins: dict[str, Decimal] | None = None) -> Decimal:
    """Dollars that the given, or all pledged, coins count for."""
    held = {coin: Decimal(amount) for coin, amount in collateral(call.account).items()} if coins is None else coins
    return sum(
        (amount * call.market.usd(coin, call.now) * COINS[coin].collateral for coin, amount in held.items()), ZERO
    )


def flexible_debts(call: Call) -> dict[str, Row]:
    """Flexible loans by coin, with interest charged for every whole hour up to now."""
    debts: dict[str, Row] = call.account.settings.setdefault("flexibleLoans", {})
    for coin, row in debts.items():
        hours = (call.now - row["since"]) // 3_600_000
        interest = cut(Decimal(row["principal"]) * COINS[coin].rate / 8760) * hours
        row["interest"] = text(Decimal(row["interest"]) + interest)
        row["since"] += hours * 3_600_000
    return debts


def fixed_debt(row: Row, now: int) -> Decimal:
    """Principal and interest of a fixed loan; its interest for the whole term is owed from the start."""
    return Decimal(row["residualQty"]) + Decimal(row["interest"])


def total_debt(call: Call) -> Decimal:
    """Dollars owed on all crypto loans."""
    flexible = sum(((Decimal(row["principal"]) + Decimal(row["interest"])) * call.market.usd(coin, call.now)
                    for coin, row in flexible_debts(call).items()), ZERO)  # fmt: skip
    fixed = sum((fixed_debt(row, call.now) * call.market.usd(row["loanCurrency"], call.now)
                 for row in call.account.table("fixedLoans")), ZERO)  # fmt: skip
    return flexible + fixed


def ltv(call: Call) -> Decimal:
    value = collateral_value(call)
    debt = total_debt(call)
    if not debt:
        return ZERO
    return (debt / value).quantize(Decimal("0.0001")) if value else Decimal(1)


def check_ltv(call: Call) -> None:
    """Refuse what would leave the loans above the highest loan-to-value for new debt."""
    if ltv(call) > BORROW_LTV:
        raise SimulatorError(175003, "The collateral does not cover the loan")
