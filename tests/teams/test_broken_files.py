"""Broken team files: each gets a message with file:line, what is wrong and what to write; none is accepted.

A case is an edit of a committed file and the message it must give, whole, behind `configs/<team>.yaml:<line>: `. The
line is that of the text in the third place (default: the new text).
"""

import pytest

from tests.teams.helpers import complaint, edited, line_of, text_of

RED_CASES = {
    # shape
    "unknown key": ("target: next_return", "traget: next_return",
        ["target: is missing", "traget: unknown key (did you mean target?)"]),
    "unknown key in trading": ("buy_above: 0.0002", "buy_abov: 0.0002",
        ["trading.buy_abov: unknown key (did you mean buy_above?)", "trading.buy_above: is missing"]),
    "another team's account": ("team: red", "account: BLUE\nteam: red",
        ["account: unknown key (valid: team, symbols, features, target, training, ludwig, trading, schedule)"]),
    "limits of its own": ("team: red", "limits: {position_share: 1.0}\nteam: red",
        ["limits: unknown key (valid: team, symbols, features, target, training, ludwig, trading, schedule)"]),
    "another team": ("team: red", "team: blue", ["team: must be red: this is the file of team red"]),
    "a team nobody knows": ("team: red", "team: rad",
        ['team: the registry has no team "rad" (did you mean red?)', "team: must be red: this is the file of team red"]),
    "an impossible team name": ("team: red", "team: ../red",
        ['team: "../red" is no team name: a small letter, then up to 15 of a-z, 0-9 and -']),
    "symbols as text": ("[AAPL, GOOG, IBM, MSFT]", "AAPL, GOOG", ['symbols: must be a list, not "AAPL, GOOG"']),
    "no symbols": ("[AAPL, GOOG, IBM, MSFT]", "[]", ["symbols: needs at least one symbol"]),
    "a symbol that YAML reads as true": ("GOOG", "ON",
        ["symbols[1]: must be text, not true; YAML reads yes, no, on, off, true and false that way: put the word in quotes"]),
    "a symbol that is a number": ("GOOG", "7203", ['symbols[1]: must be text, not 7203; put it in quotes: "7203"']),
    "an unknown symbol": ("GOOG", "GOOGL", ["symbols[1]: the sample data has no GOOGL (did you mean GOOG?)"]),
    "a symbol in small letters": ("GOOG", "goog",
        ['symbols[1]: "goog" is no symbol: capital letters, digits, . and -, like AAPL or BRK.B']),
    "a symbol twice": ("GOOG", "AAPL", ["symbols[1]: AAPL is there twice"]),
    "no features": ("features:\n", "features: {}\nunused:\n", [
        "features: needs at least one entry",
        "unused: unknown key (valid: team, symbols, features, target, training, ludwig, trading, schedule)"]),
    "a list for a mapping": ("  strategy: long_flat", "  [long_flat]\nx:\n  y: 1",
        ["trading: must be a mapping (`key: value` lines), not a list"], "trading:\n"),
    # features
    "an unknown kind": ("kind: RSI", "kind: RSII", ['features.rsi_14.kind: unknown kind "RSII" (did you mean RSI?)']),
    "an unknown parameter": ("RSI, timeperiod", "RSI, period",
        ["features.rsi_14.period: RSI has no such parameter (did you mean timeperiod?)"]),
    "another kind's parameter": ("RSI, timeperiod: 14", "RSI, fastperiod: 14",
        ["features.rsi_14.fastperiod: RSI has no such parameter (did you mean timeperiod?)"]),
    "a parameter as text": ("RSI, timeperiod: 14", 'RSI, timeperiod: "14"',
        ['features.rsi_14.timeperiod: must be a whole number, not "14"; remove the quotes: 14']),
    "a fractional period": ("RSI, timeperiod: 14", "RSI, timeperiod: 14.5",
        ["features.rsi_14.timeperiod: must be a whole number, not 14.5"]),
    "a period of zero": ("RSI, timeperiod: 14", "RSI, timeperiod: 0",
        ["features.rsi_14.timeperiod: must be 2 to 250, not 0"]),
    "a look into the future": ("sessions: 1, lag: 1", "sessions: 1, lag: -1",
        ["features.return_lag1.lag: must be at least 0, not -1"]),
    "an output of a kind with one": ("RSI, timeperiod: 14", "RSI, output: rsi", ["features.rsi_14.output: RSI has one output; remove this"]),
    "a feature without kind": ("{kind: overnight_gap}", "{lag: 1}", ["features.gap.kind: is missing"]),
    "a feature that is a word": ("{kind: overnight_gap}", "overnight_gap",
        ['features.gap: must be a mapping (`key: value` lines), not "overnight_gap"']),
    "a column the platform uses": ("  gap:   ", "  close: {kind: overnight_gap}\n  gap:   ",
        ["features.close: is a column of the platform; use another name"]),
    "a name that is no column": ("  gap:   ", "  Gap-1: {kind: overnight_gap}\n  gap:   ",
        ["features.Gap-1: is no column name: a small letter, then up to 31 of a-z, 0-9 and _"]),
    # target, training
    "an unknown target": ("target: next_return", "target: price",
        ['target: cannot be "price"; one of next_return or next_direction']),
    "the cut-off after the start of the round": ("cutoff: 2012-11-30", "cutoff: 2012-12-03",
        ["training.cutoff: 2012-12-03 must be before 2012-12-03, the first session of the competition"]),
    "a cut-off in quotes": ("cutoff: 2012-11-30", 'cutoff: "2012-11-30"',
        ['training.cutoff: must be a date like 2012-11-30, not "2012-11-30"; write it without quotes']),
    "a cut-off with a time": ("cutoff: 2012-11-30", "cutoff: 2012-11-30 16:00:00",
        ["training.cutoff: must be a date like 2012-11-30, not 2012-11-30 16:00:00"]),
    "a day that does not exist": ("cutoff: 2012-11-30", "cutoff: 2012-11-31", ["2012-11-31 is no valid date or number"]),
    "training before the data": ("start: 2000-03-01", "start: 1990-01-01",
        ["training.start: 1990-01-01 is before the first session of the data, 2000-03-01"]),
    "too short a training": ("start: 2000-03-01", "start: 2012-10-01",
        ["training.cutoff: leaves 60 days to train on; at least 180 are needed"], "  cutoff:"),
    "training that ends before it starts": ("start: 2000-03-01", "start: 2013-01-01",
        ["training: start 2013-01-01 must be before cutoff 2012-11-30"], "training:\n"),
    "a fraction of 15": ("validation_fraction: 0.15", "validation_fraction: 15",
        ["training.validation_fraction: must be at most 0.5, not 15"]),
    "a negative seed": ("seed: 42", "seed: -1", ["training.seed: must be at least 0, not -1"]),
    "a seed that is true": ("seed: 42", "seed: yes", ["training.seed: must be a whole number, not true"]),
    # trading, schedule
    "a negative threshold": ("buy_above: 0.0002", "buy_above: -0.01",
        ["trading.buy_above: must not be negative (-0.01): it would buy what is predicted to fall",
         "trading.sell_below: 0.0 must not be above buy_above (-0.01)"]),
    "per cent for a fraction": ("buy_above: 0.0002", "buy_above: 0.5",
        ["trading.buy_above: is a log return for target next_return (0.001 is about 0.1 %): at most 0.2, not 0.5"]),
    "1e-3": ("buy_above: 0.0002", "buy_above: 2e-4",
        ['trading.buy_above: must be a number, not "2e-4"; YAML reads 2e-4 as text: write 0.0002']),
    "infinity": ("buy_above: 0.0002", "buy_above: .inf", [".inf is not a finite number"]),
    "selling above buying": ("sell_below: 0.0", "sell_below: 0.001",
        ["trading.sell_below: 0.001 must not be above buy_above (0.0002)"]),
    "more than the registry allows": ("position_share: 0.25", "position_share: 0.31",
        ["trading.position_share: 0.31 is above the registry's limit for red, 0.3"]),
    "no position": ("position_share: 0.25", "position_share: 0", ["trading.position_share: must be above 0.0, not 0"]),
    "another strategy": ("long_flat  ", "yolo  ", ['trading.strategy: cannot be "yolo"; one of long_flat']),
    "cron nonsense": ('daily: "30 6 * * *"', "daily: every morning",
        ['schedule.daily: is no cron string: needs 5 fields (minute hour day month weekday, like "30 6 * * *"), has 2']),
    "a cron of hour 25": ('daily: "30 6 * * *"', 'daily: "30 25 * * *"',
        ["schedule.daily: is no cron string: the hour field is 0 to 23, not 25"]),
    "a time for a cron": ('daily: "30 6 * * *"', "daily: 6:30",
        ['YAML reads 6:30 as a base-60 number; put it in quotes: "6:30"']),
}  # fmt: skip

LUDWIG_CASES = {
    "an input that is no feature": ("name: rsi_14, type", "name: rsi_15, type",
        ['ludwig.input_features[6].name: "rsi_15" is no feature of this file (did you mean rsi_14?)']),
    "an input twice": ("name: rsi_14, type", "name: gap, type", ['ludwig.input_features[12].name: "gap" is an input twice'],
        "    - {name: gap, type: number}\n    - {name: intra"),
    "the target as input": ("name: rsi_14, type", "name: next_return, type",
        ["ludwig.input_features[6].name: next_return is the target; a model cannot read what it predicts"]),
    "a date input": ("name: weekday, type: category", "name: weekday, type: date",
        ['ludwig.input_features[14].type: cannot be "date": it feeds the raw year into the network; use a weekday category']),
    "a category as number": ("name: weekday, type: category", "name: weekday, type: number",
        ['ludwig.input_features[14].type: weekday gives a category: type must be category, not "number"']),
    "a number as category": ("name: rsi_14, type: number", "name: rsi_14, type: category",
        ['ludwig.input_features[6].type: RSI gives a number: type must be number, not "category"']),
    "an old type name": ("name: rsi_14, type: number", "name: rsi_14, type: numerical",
        ['ludwig.input_features[6].type: cannot be "numerical" (did you mean number?)']),
    "another column": ("name: rsi_14, type: number", "name: rsi_14, column: close, type: number",
        ["ludwig.input_features[6].column: must be rsi_14 or left out; the column has the feature's name"]),
    "an input without a name": ("{name: rsi_14, type: number}", "{type: number}", ["ludwig.input_features[6]: name is missing"]),
    "the wrong output": ("- name: next_return", "- name: next_direction",
        ['ludwig.output_features[0].name: must be the target, next_return, not "next_direction"']),
    "a binary output for a return": ("      type: number\n      preprocessing: {normalization: zscore}", "      type: binary\n      preprocessing: {}",
        ['ludwig.output_features[0].loss.type: cannot be "huber" (valid: binary_weighted_cross_entropy, entropic_open_set, focal, objectosphere)',
         'ludwig.output_features[0].type: must be number for target next_return, not "binary"']),
    "a target that is not normalized": ("{normalization: zscore}    #", "{}    #",
        ["ludwig.output_features[0].preprocessing: needs normalization: zscore (or minmax); a network cannot learn returns of 0.001 as they are"]),
    "two outputs": ("  combiner: {", "    - {name: next_direction, type: binary}\n  combiner: {",
        ["ludwig.output_features: has 2 outputs; the one output is the target, next_return"], "  output_features"),
    "no combiner": ("  combiner: {type: concat, num_fc_layers: 1, output_size: 16, dropout: 0.3}\n", "", ["ludwig: combiner is missing"], "ludwig:\n"),
    "a combiner without type": ("{type: concat, ", "{", ["ludwig.combiner: type is missing"], "  combiner:"),
    "an unknown combiner": ("type: concat,", "type: concatenate,", ['ludwig.combiner.type: cannot be "concatenate" (did you mean concat?)']),
    "a combiner that downloads": ("type: concat,", "type: tabpfn_v2,",
        ['ludwig.combiner.type: cannot be "tabpfn_v2": it downloads a pretrained model and needs the package tabpfn']),
    "a misspelt combiner key": ("num_fc_layers:", "num_fc_layer:", ["ludwig.combiner.num_fc_layer: unknown key (did you mean num_fc_layers?)"]),
    "another combiner's key": ("num_fc_layers: 1", "num_heads: 1",
        ["ludwig.combiner.num_heads: type concat has no such key; it belongs to type cross_attention, ft_transformer, perceiver, tabtransformer, transformer"]),
    "a misspelt layer key": ("num_fc_layers: 1", "fc_layers: [{output_size: 8}, {outputsize: 8}]",
        ["ludwig.combiner.fc_layers[1].outputsize: unknown key (did you mean output_size?)"]),
    "a dropout of 30": ("dropout: 0.3", "dropout: 30", ["ludwig.combiner.dropout: must be at most 1, not 30"]),
    "a giant layer": ("output_size: 16", "output_size: 10000000", ["ludwig.combiner.output_size: must be at most 8192 here, not 10000000"]),
    "a misspelt preprocessing key": ("{normalization: zscore, missing", "{normalisation: zscore, missing",
        ["ludwig.defaults.number.preprocessing.normalisation: unknown key (did you mean normalization?)"]),
    "a misspelt normalization": ("{normalization: zscore, missing", "{normalization: zcore, missing",
        ['ludwig.defaults.number.preprocessing.normalization: cannot be "zcore" (did you mean zscore?)']),
    "a misspelt encoder key": ("name: rsi_14, type: number", "name: rsi_14, type: number, encoder: {type: dense, num_layer: 2}",
        ["ludwig.input_features[6].encoder.num_layer: unknown key (did you mean num_layers?)"]),
    "a misspelt loss key": ("delta: 1.0", "deltas: 1.0", ["ludwig.output_features[0].loss.deltas: unknown key (did you mean delta?)"]),
    "a delta of zero": ("delta: 1.0", "delta: 0", ["ludwig.output_features[0].loss.delta: must be above 0, not 0"]),
    "a misspelt trainer key": ("epochs: 60", "epoch: 60", ["ludwig.trainer.epoch: unknown key (did you mean epochs?)"]),
    "epochs as text": ("epochs: 60", 'epochs: "60"', ['ludwig.trainer.epochs: must be a whole number, not "60"; remove the quotes: 60']),
    "epochs without end": ("epochs: 60", "epochs: 100000", ["ludwig.trainer.epochs: must be at most 1000 here, not 100000"]),
    "a rate YAML reads as text": ("learning_rate: 0.001", "learning_rate: 1e-3",
        ['ludwig.trainer.learning_rate: must be a number, not "1e-3"; YAML reads 1e-3 as text: write 0.001']),
    "a negative rate": ("learning_rate: 0.001", "learning_rate: -1", ["ludwig.trainer.learning_rate: must be above 0 and at most 1, not -1"]),
    "a tuned batch size": ("batch_size: 256", "batch_size: auto",
        ["ludwig.trainer.batch_size: auto is tuned by timing and differs from run to run; write a number such as 256"]),
    "a misspelt optimizer": ("type: adamw", "type: sdg", ['ludwig.trainer.optimizer.type: cannot be "sdg" (did you mean sgd?)']),
    "a misspelt optimizer key": ("weight_decay: 0.1", "weight_decy: 0.1",
        ["ludwig.trainer.optimizer.weight_decy: unknown key (did you mean weight_decay?)"]),
    "another optimizer's key": ("weight_decay: 0.1", "momentum: 0.9",
        ["ludwig.trainer.optimizer.momentum: type adamw has no such key; it belongs to type muon, rmsprop, sgd"]),
    "an unknown metric": ("regularization_type: l2", "validation_metric: roc_auc",
        ['ludwig.trainer.validation_metric: cannot be "roc_auc" (valid: huber, loss, mean_absolute_error']),
    "a metric of another output": ("regularization_type: l2", "validation_field: next_direction",
        ['ludwig.trainer.validation_field: cannot be "next_direction" (did you mean next_return?)']),
    "an unknown section": ("  trainer:\n", "  model: {layers: [512, 256]}\n  trainer:\n", ["ludwig.model: unknown key (did you mean model_type?)"], "  model:"),
    "a misspelt section": ("  trainer:\n", "  traner: {}\n  trainer:\n", ["ludwig.traner: unknown key (did you mean trainer?)"], "  traner:"),
    "the platform's split": ("  trainer:\n", "  preprocessing: {split: {type: random, probabilities: [0.7, 0.1, 0.4]}}\n  trainer:\n",
        ["ludwig.preprocessing.split: cannot be set: it is the platform's: the latest training.validation_fraction of the sessions; remove it"]),
    "hyperopt": ("  trainer:\n", "  hyperopt: {goal: minimize}\n  trainer:\n",
        ["ludwig.hyperopt: cannot be set: it is not run here (it needs Ray and many trainings); try values out in your own checkout"]),
    "a backend": ("  trainer:\n", "  backend: {type: ray}\n  trainer:\n", ["ludwig.backend: cannot be set: it is the platform's; remove it"]),
    "a language model": ("  trainer:\n", "  model_type: llm\n  trainer:\n",
        ['ludwig.model_type: must be ecd, not "llm"; llm downloads a language model']),
    "a pretrained encoder": ("name: weekday, type: category", "name: weekday, type: text, encoder: {type: bert}",
        ['ludwig.input_features[14].encoder.type: cannot be "bert": it downloads pretrained weights',
         'ludwig.input_features[14].type: weekday gives a category: type must be category, not "text"']),
    "a file of embeddings": ("name: weekday, type: category", "name: weekday, type: category, encoder: {type: dense, pretrained_embeddings: /etc/passwd}",
        ["ludwig.input_features[14].encoder.pretrained_embeddings: cannot be set: it loads something from outside; nothing is downloaded here"]),
    "a path where a word is meant": ("early_stop: 8", "bucketing_field: ../../secrets",
        ["ludwig.trainer.bucketing_field: cannot be set: it looks like a path or URL, and a model has no business with either"]),
    "inputs as a mapping": ("  output_features:", "  output_features: {name: next_return}\n  unused:",
        ["ludwig.output_features: must be a list, not a mapping", "ludwig.unused: unknown key (valid: combiner, defaults, input_features, model_type, output_features, preprocessing, trainer)"]),
    "a date for numbers": ("weight_decay: 0.1", "betas: 2012-01-01",
        ["ludwig.trainer.optimizer.betas: cannot be set: it is a date, and no setting of a model is one"]),
    "a section without content": ("    epochs: 60\n    early_stop", "  x:\n    early_stop", ["ludwig.trainer: must be a mapping (`key: value` lines), not null"], "  trainer:\n"),
}  # fmt: skip

BLUE_CASES = {
    "a return for a probability": ("buy_above: 0.505", "buy_above: 50.5",
        ["trading.buy_above: is a probability of up for target next_direction: 0 to 1, not 50.5"]),
    "an unknown output of an indicator": ("output: macdhist", "output: hist",
        ['features.macd.output: MACD has no output "hist" (did you mean macdhist?)']),
    "periods the wrong way round": ("fastperiod: 12, slowperiod: 26", "fastperiod: 26, slowperiod: 12",
        ["features.macd.fastperiod: must be shorter than slowperiod (26 is not below 12)"]),
    "a number for a direction": ("{name: next_direction, type: binary}", "{name: next_direction, type: number}",
        ['ludwig.output_features[0].type: must be binary for target next_direction, not "number"']),
    "heads that do not divide": ("num_heads: 2", "num_heads: 3", ["ludwig.combiner: hidden_size (16) must be a multiple of num_heads (3)"]),
    "a misspelt metric": ("validation_metric: loss", "validation_metric: los",
        ['ludwig.trainer.validation_metric: cannot be "los" (did you mean loss?)']),
}  # fmt: skip


def expect(team, case):
    old, new, messages, *where = case
    text = edited(team, (old, new))
    found = complaint(text, team)
    lines = found.splitlines()
    for message in messages:
        assert any(message in line for line in lines), found
    place = line_of(text, where[0] if where else new.splitlines()[0])
    assert f"configs/{team}.yaml:{place}: " in found, f"line {place} expected in\n{found}"
    assert all(line.startswith(f"configs/{team}.yaml:") for line in lines)
    return lines


@pytest.mark.parametrize("case", RED_CASES.values(), ids=RED_CASES)
def test_a_broken_file_says_where_and_what(case):
    expect("red", case)


@pytest.mark.parametrize("case", LUDWIG_CASES.values(), ids=LUDWIG_CASES)
def test_a_broken_ludwig_section_says_where_and_what(case):
    expect("red", case)


@pytest.mark.parametrize("case", BLUE_CASES.values(), ids=BLUE_CASES)
def test_a_broken_classification_file_says_where_and_what(case):
    expect("blue", case)


def test_all_problems_come_at_once_sorted_by_line():
    text = edited(
        "red",
        ("cutoff: 2012-11-30", "cutoff: 2013-01-02"),
        ("kind: RSI,", "kind: RSY,"),
        ("epochs: 60", "epoch: 60"),
    )
    lines = complaint(text).splitlines()
    assert len(lines) == 3
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)


def test_a_missing_section_does_not_hide_the_ludwig_typos():
    text = edited("red", ("trading:\n", "trade:\n"), ("epochs: 60", "epoch: 60"))
    found = complaint(text)
    assert "trading: is missing" in found
    assert "ludwig.trainer.epoch: unknown key (did you mean epochs?)" in found


def test_a_file_of_nonsense_is_cut_short():
    lines = complaint(text_of("red") + "".join(f"nonsense{i}: 1\n" for i in range(500))).splitlines()
    assert len(lines) == 41
    assert lines[-1] == "configs/red.yaml: and 460 more problems like these"
