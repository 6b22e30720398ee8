"""Bybit's error codes as the simulator answers them; nothing here knows how an answer is sent."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[int, str]] = {
    10001: "params error",
    10005: "Permission denied, please check your API key permissions.",
    110001: "order not exists or too late to cancel",
    110003: "Order price exceeds the allowable range.",
    110004: "Wallet balance is insufficient",
    110007: "ab not enough for new order",
    110012: "Insufficient available balance",
    110013: "Cannot set leverage due to risk limit level",
    110017: "current position is zero, cannot fix reduce-only order qty",
    110020: "Not allowed to have more than 500 active orders",
    110025: "Position mode has not been modified",
    110026: "Cross/isolated margin mode has not been modified",
    110028: "Existing active orders, cannot switch position mode",
    110029: "Hedge mode is not supported for this symbol",
    110030: "Duplicate orderId",
    110043: "leverage not modified",
    110072: "OrderLinkedID is duplicate",
    110074: "closed symbol error, This contract is not live",
    110092: "expect Rising, but trigger_price <= current price",
    110093: "expect Falling, but trigger_price >= current price",
    110094: "Order does not meet minimum order value",
    131001: "openapi svc error",
    131002: "param error",
    131212: "user insufficient balance",
    140001: "switching the PM spot hedging switch is not allowed in non PM mode",
    148011: "The loan order does not exist.",
    170003: "Unknown parameter",
    170121: "Invalid symbol.",
    170131: "Insufficient balance.",
    170136: "Order quantity has too much precision.",
    170134: "Order price has too much precision.",
    170140: "Order value exceeded lower limit.",
    170213: "Order does not exist.",
    170810: "Cannot exceed maximum of 500 conditional, TP/SL and active orders.",
    175003: "Insufficient available balance.",
    176003: "The amount of the loan is insufficient",
    176015: "Insufficient available balance",
    180001: "Invalid parameter",
    180005: "Order not found",
    180011: "Insufficient balance",
    180012: "Product not found",
    180013: "Position not found",
    180015: "Duplicate orderLinkId",
    180016: "Stake amount is outside the limits of the product",
    180028: "Only fixed term positions support this operation",
    181001: "category only support linear or option",
    3100326: "BaseCoin is required",
    3200403: "The MMP parameters of this base coin were never set",
    3400214: "The leverage is out of the allowed range",
    3500002: "Current position size is smaller than the requested quantity",
    790000: "The quote has expired or does not exist",
    912000040: "The advertisement does not exist",
    912000050: "The P2P order does not exist",
    110300: "RFQ does not exist",
    110301: "Quote does not exist",
}


class SimulatorError(Exception):
    """A mistake that Bybit would answer with `code` and `message`."""

    def __init__(self, code: int, message: str = "") -> None:
        self.code = code
        self.message = message or MESSAGES[code]
        super().__init__(f"{self.code}: {self.message}")


def param_error(detail: str) -> SimulatorError:
    return SimulatorError(10001, f"params error: {detail}")
