"""The words by which the classifier tells tools apart: verbs by what they do, nouns by what they touch. No logic."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READING = _words(
    "get query list read fetch show find search lookup look describe check precheck validate preview estimate "
    "calculate compute count view watch subscribe inspect browse retrieve return report tell give compare "
    "summarise summarize verify diff status info detail history test ping help explain monitor tail head stat "
    "page total sum listen"
)
DESTROYING = _words(
    "cancel close delete remove drop destroy purge wipe stop kill terminate revoke clear truncate uninstall "
    "erase shutdown discard unlink prune reject abort evict ban expire rm del overwrite format"
)
# Verbs that move money by themselves, and the state of having done so.
PAYING = _words(
    "buy sell pay paid purchase withdraw withdrawal transfer convert swap trade distribute refund charge "
    "payout donate tip bridge repay"
)
FUNDING = _words(
    "redeem borrow repayment lend supply deposit stake unstake renew invest reinvest mint burn bid hedge "
    "liquidate exercise settle fund"
)
EXECUTING = _words(
    "run execute exec start restart launch invoke trigger deploy eval shell command spawn reset call reboot "
    "install schedule apply build dispatch process join"
)
# Changes to settings and drafts, whatever they are about.
SETTING = _words("set switch toggle enable disable configure rename accept allow mode quote apply claim")
COMMIT_VERBS = _words(
    "create place add amend update post modify edit adjust put submit confirm mark move open increase send copy"
)
WRITING = COMMIT_VERBS | _words(
    "patch write insert save upload assign bind register import export archive restore merge fork push comment "
    "reply draft invite share label tag lock unlock publish replace append upsert sync mkdir touch change make "
    "approve"
)
CHANGING = DESTROYING | PAYING | FUNDING | EXECUTING | SETTING | WRITING

MONEY_NOUNS = _words(
    "order quote position margin liquidity loan collateral payment bot strategy trade fund ltv ad award "
    "voucher invoice swap conversion balance deposit stake"
)
MARKET_NOUNS = _words("order quote position bot strategy trade swap conversion option future")
MARKET_VERBS = _words("create place execute confirm mark move open submit start")
EXPOSURE_NOUNS = _words(
    "leverage margin collateral stop risk dcp mmp hedging protection permission role key password secret "
    "credential webhook policy rule firewall access token member owner admin limit"
)
MANY_WORDS = _words("all batch bulk many everything multi combo")
# Whole names of parameters, in lower case and without separators; the money ones are what such names begin with.
MONEY_PARAMETERS = ("amount", "qty", "quantity", "investment", "notional")
PROGRAM_PARAMETERS = _words("command cmd script shell code sql program expression argv")
# Transport, versions and grammar.
NOISE = _words("ws api v http rest rpc mcp the a an of by for to from in on and or my account")

REVEALING = (
    ("reveals-balances", _words("balance wallet asset position withdrawable portfolio greek equity margin debt")),
    ("reveals-history", _words("transfer deposit withdraw withdrawal transaction payment card statement log")),
    ("reveals-addresses", _words("address recipient whitelist")),
    (
        "reveals-identity",
        _words(
            "user member counterparty referral affiliate uid profile contact chat message email mail inbox people "
            "person customer employee phone kyc broker identity"
        ),
    ),
    ("reveals-credentials-metadata", _words("key secret credential password token env environment")),
)
