"""Settings of the account: margin mode, collateral switches, market maker protection, price limits."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import positions
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.instruments import COINS, STRIKE_STEPS
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, dec, text


@tool("getAccountInfo")
def account_info(call: Call) -> Row:
    settings = call.account.settings
    return {
        "unifiedMarginStatus": 6,
        "marginMode": settings["marginMode"],
        "dcpStatus": "ON" if settings.get("dcp") else "OFF",
        "timeWindow": max((int(window) for window in settings.get("dcp", {}).values()), default=0),
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": settings.get("hedging", "OFF"),
        "updatedTime": str(settings.get("updated", call.account.state["created"])),
    }


@tool("getUserSettingConfig")
def user_setting_config(call: Call) -> Row:
    settings = call.account.settings
    return {
        "unifiedMarginStatus": 6,
        "marginMode": settings["marginMode"],
        "spotHedgingStatus": settings.get("hedging", "OFF"),
        "smsef": "",
        "fmsef": "",
        "deltaEnable": False,
        "lpaSpot": settings.get("lpaSpot", False),
        "lpaPerp": settings.get("lpaPerp", False),
    }


@tool("getDcpInfo")
def dcp_info(call: Call) -> Row:
    windows = call.account.settings.get("dcp", {})
    rows = [{"product": product, "dcpStatus": "ON", "timeWindow": window} for product, window in windows.items()]
    return {"dcpInfos": rows}


@tool("getSmpGroup")
def smp_group(call: Call) -> Row:
    return {"smpGroup": 0}


@tool("setMarginMode")
def set_margin_mode(call: Call) -> Row:
    mode = call.word("setMarginMode")
    settings = call.account.settings
    if settings["marginMode"] == mode:
        raise SimulatorError(110026)
    has_options = any(row["category"] == "option" for row in positions.open_positions(call.account))
    if mode == "ISOLATED_MARGIN" and has_options:
        return {"reasons": [{"reasonCode": "3400049", "reasonMsg": "Options positions must be closed first"}]}
    if mode == "ISOLATED_MARGIN" and call.account.state["borrowed"]:
        return {
            "reasons": [{"reasonCode": "3400000", "reasonMsg": "Equity needs to be equal to or greater than the debt"}]
        }
    settings["marginMode"], settings["updated"] = mode, call.now
    return {"reasons": []}


@tool("setHedgingMode")
def set_hedging_mode(call: Call) -> Row:
    if call.account.settings["marginMode"] != "PORTFOLIO_MARGIN":
        raise SimulatorError(140001)
    call.account.settings["hedging"] = call.word("setHedgingMode")
    return {}


@tool("setCollateralSwitch")
def set_collateral_switch(call: Call) -> Row:
    _switch(call, call.args)
    return {}


def _switch(call: Call, entry: Row) -> Row:
    coin = entry["coin"]
    if coin not in COINS:
        raise param_error(f"coin {coin} is not supported")
    if coin in ("USDT", "USDC") and entry["collateralSwitch"] == "OFF":
        raise SimulatorError(10001, f"params error: {coin} cannot be switched off as collateral")
    call.account.settings.setdefault("collateral", {})[coin] = entry["collateralSwitch"]
    return {"coin": coin, "collateralSwitch": entry["collateralSwitch"]}


@tool("setBatchCollateralSwitch")
def set_batch_collateral_switch(call: Call) -> Row:
    return {"list": [_switch(call, entry) for entry in call.args["request"]]}


@tool("setPriceLimit")
def set_price_limit(call: Call) -> Row:
    group = "lpaSpot" if call.word("category") == "spot" else "lpaPerp"
    call.account.settings[group] = call.flag("modifyEnable")
    return {}


def _protected_coin(call: Call) -> str:
    base = call.word("baseCoin")
    if base not in STRIKE_STEPS:
        raise param_error("baseCoin invalid")
    return base


@tool("setMmp")
def set_mmp(call: Call) -> Row:
    base = _protected_coin(call)
    limits = {name: text(dec(call.args[name], name)) for name in ("window", "frozenPeriod", "qtyLimit", "deltaLimit")}
    if any(Decimal(value) < 0 for value in limits.values()) or Decimal(limits["window"]) <= 0:
        raise param_error("window and limits must not be negative")
    call.account.settings.setdefault("mmp", {})[base] = limits
    return {}


def _mmp(call: Call) -> tuple[str, Row]:
    base = _protected_coin(call)
    limits = call.account.settings.get("mmp", {}).get(base)
    if limits is None:
        raise SimulatorError(3200403)
    return base, limits


@tool("resetMmp")
def reset_mmp(call: Call) -> Row:
    _, limits = _mmp(call)
    limits["resetAt"] = call.now
    return {}


@tool("getMmpState")
def mmp_state(call: Call) -> Row:
    base = _protected_coin(call)
    limits = call.account.settings.get("mmp", {}).get(base)
    if limits is None:
        return {"result": []}
    shown = {name: limits[name] for name in ("window", "frozenPeriod", "qtyLimit", "deltaLimit")}
    return {"result": [{"baseCoin": base, "mmpEnabled": True, **shown, "mmpFrozenUntil": "0", "mmpFrozen": False}]}
