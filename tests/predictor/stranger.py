"""A reader of predictor files from docs/format.md alone: all but texts, networks, neighbours."""

import json
import zipfile

import numpy as np

MISSING = "? na n/a #n/a #na <na> nan -nan nat null none nil - -- missing (missing) #null! #value! "
MISSING += "#div/0! 1.#ind 1.#qnan -1.#ind -1.#qnan"
FLAGS = dict.fromkeys(("true", "yes", "t", "y", "1", "1.0"), 1.0)
FLAGS |= dict.fromkeys(("false", "no", "f", "n", "0", "0.0"), 0.0)
LARGEST = float(np.finfo(np.float32).max)
MULTIPLIER = np.uint64(0x4906BA494954CB65)


def predict(file, names, rows):
    """Return probabilities or numbers, and labels, for rows of text below the columns' names."""
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert manifest["format"] == 7
        cells = dict(zip(names, zip(*rows, strict=True), strict=True))
        columns = read_columns(read_state(archive, "cleaner"), cells)
        features = []
        for number in range(len(manifest["encodings"])):
            encoders = read_state(archive, f"encodings/{number}")["encoders"]
            features.append([encode(encoder, columns) for encoder in encoders])
        predictions = []
        for member in manifest["members"]:
            total = 0.0
            for part in member["parts"]:
                X = np.hstack([each for number in part["encodings"] for each in features[number]])
                model = read_state(zipfile.ZipFile(archive.open(f"models/{part['model']}.zip")))
                total = total + part["share"] * predict_model(member["family"], model, X)
            predictions.append(total)
    weights = [member["weight"] for member in manifest["members"]]
    prediction = combine(predictions, weights, manifest["temperature"])
    labels = manifest["task"]["labels"]
    if not labels:
        return prediction, None
    thresholds = np.array(manifest["cuts"] or [1 / len(labels)] * len(labels))
    is_second = prediction[:, 1] >= thresholds[1]
    chosen = is_second if len(labels) == 2 else (prediction / thresholds).argmax(axis=1)
    return prediction, np.array(labels)[chosen.astype(int)].tolist()


def read_state(archive, folder="state"):
    def resolve(value):
        if value.keys() == {"$array"}:
            return np.load(archive.open(f"{folder}/{value['$array']}"), allow_pickle=False)
        return value

    return json.loads(archive.read(f"{folder}/state.json"), object_hook=resolve)


def read_columns(cleaner, cells):
    columns = {}
    missing = MISSING.split() if cleaner["missing_words"] else []
    for rule in cleaner["columns"]:
        words = map(str.strip, cells[rule["name"]])
        words = ["" if word.casefold() in missing else word for word in words]
        columns[rule["name"]] = np.array([read_cell(rule, word) for word in words], float)
    for name, values in cleaner["codes"].items():
        matches = columns[name][:, None] == np.array(values)
        codes = np.where(matches.any(axis=1), matches.argmax(axis=1), np.nan)
        columns[name if name in cleaner["keys"] else f"{name} (code)"] = codes
    return columns


def read_cell(rule, word):
    if rule["kind"] == "category":
        for spelled in (str, to_number):
            alike = [spelled(level) == spelled(word) for level in rule["levels"]]
            if sum(alike) == 1:
                return alike.index(True)
        return np.nan
    if rule["kind"] == "flag":
        return FLAGS.get(word.casefold(), np.nan)
    if rule["kind"] == "number":
        number = to_number(word.replace(",", ".") if rule["comma"] else word)
        return np.nan if number in rule["sentinels"] else number
    assert rule.get("layout") == "ISO8601", f"columns of the kind {rule} are not read here"
    return to_number(word, lambda text: np.datetime64(text or "x", "us").astype(np.int64) / 1e6)


def to_number(word, convert=float):
    try:
        number = convert(word)
    except ValueError:
        return np.nan
    return number if np.isfinite(number) and "_" not in word else np.nan


def encode(encoder, columns):
    kind = encoder["kind"]
    column = columns[encoder["source"]]
    if kind in ("number", "date"):
        parts = [column] if kind == "number" else date_parts(column, encoder["parts"])
        scalers = encoder["scaler" if kind == "number" else "scalers"]
        features = [scale(scaler, part) for scaler, part in zip(scalers, parts, strict=True)]
        features += [np.isnan(column)] * encoder["shows_missing"]
    elif kind == "pieces":
        edges = encoder["edges"]
        known = np.clip(np.where(np.isnan(column), encoder["fill"], column), edges[0], edges[-1])
        features = [np.clip((known[:, None] - edges[:-1]) / np.diff(edges), 0, 1)]
    elif kind == "native":
        features = [column]
    elif kind == "lookup":
        features = [encoder["table"][np.nan_to_num(column, nan=-1).astype(int)]]
    else:
        assert kind == "onehot", f"encoders of the kind {kind} are not read here"
        place = encoder["places"][np.nan_to_num(column, nan=-1).astype(int)]
        features = [place[:, None] == np.arange(len(encoder["names"]))]
    return np.column_stack(features).astype(np.float32)


def scale(scaler, values):
    known = np.clip(values, -LARGEST, LARGEST)
    if scaler["kind"] == "plain":
        scaled = np.clip(known - scaler["offset"], -LARGEST, LARGEST)
    elif scaler["kind"] == "quantile":
        scaled = np.interp(known, *scaler["knots"])
    else:
        bend = scaler["bend"]
        bent = np.sign(known) * np.log1p(np.abs(known) / bend) if bend else known
        scaled = np.clip((bent - scaler["center"]) / scaler["scale"], -10, 10)
    return np.where(np.isnan(scaled), scaler.get("fill", 0.0), scaled)


def date_parts(seconds, names):
    known = np.clip(np.nan_to_num(seconds), -62135596800.0, 253402300799.0)
    day, second = np.divmod(np.floor(known).astype(np.int64), 86400)
    date, month, year = (day.astype("M8[D]").astype(f"M8[{unit}]") for unit in "DMY")
    steps = {"month": month.astype(int) % 12, "weekday": (day + 3) % 7, "hour": second // 60}
    parts = {
        "days": known / 86400,
        "year": year.astype(int) + 1970,
        "month": steps["month"] + 1,
        "day": (date - month.astype("M8[D]")).astype(int) + 1,
        "weekday": steps["weekday"],
        "yearday": (date - year.astype("M8[D]")).astype(int) + 1,
        "hour": second / 3600,
    }
    for name, count in (("month", 12), ("weekday", 7), ("hour", 1440)):
        angle = steps[name] * (2 * np.pi / count)
        parts |= {f"{name} sine": np.sin(angle), f"{name} cosine": np.cos(angle)}
    return [np.where(np.isnan(seconds), np.nan, parts[name]) for name in names]


def predict_model(family, model, X):
    if "constant" in model:
        return np.tile(model["constant"], (len(X), 1))[:, 0 if model["number"] else slice(None)]
    target = model["target"]
    n_present = len(target["present"])
    if family == "linear":
        known = np.clip(np.nan_to_num(X, nan=0.0), np.float32(-1e15), np.float32(1e15))
        raw = known.astype(np.float64) @ model["coefficients"] + model["intercepts"]
        raw = raw if n_present else np.clip(raw, *model["bounds"])
    else:
        raw = sum_trees(model["trees"], X)
    if family in ("extra_trees", "random_forest"):
        count = len(model["trees"]["sizes"])
        raw = (raw + 1 / n_present) / (count + 1) if n_present else raw / count
    elif n_present:
        raw = softmax(raw) if n_present > 2 else 1 / (1 + np.exp(-raw))
    if not n_present:
        values = raw[:, 0] * target["scale"] + target["shift"]
        return np.expm1(values) if target.get("logs") else values
    raw = np.hstack([1 - raw, raw]) if n_present == 2 else raw
    proba = np.zeros((len(X), target["total"]))
    proba[:, target["present"]] = raw / np.cumsum(raw, axis=1)[:, -1:]
    return proba


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sum_trees(trees, X):
    if "statistics" in trees:
        X = np.hstack([X, statistic_columns(trees["statistics"], X)])
    holds = evaluate(trees["conditions"], X)
    dtype = np.float32 if trees["single"] else np.float64
    total = np.tile(trees["base"].astype(dtype), (len(X), 1))
    of_leaf = trees.get("value_of_leaf", np.arange(len(trees["value"])))
    first = 0
    for number, size in enumerate(trees["sizes"].tolist()):
        node = np.full(len(X), 0 if size else -1)
        while len(rows := np.flatnonzero(node >= 0)):
            inner = first + node[rows]
            fails = ~holds[rows, trees["condition"][inner]]
            node[rows] = trees["children"][inner, fails.astype(int)]
        value = trees["value"][of_leaf[first + number + ~node]].astype(dtype)
        output = 0 if value.shape[1] > 1 else number % total.shape[1]
        total[:, output : output + value.shape[1]] += value
        first += size
    return total.astype(np.float64)


def evaluate(conditions, X):
    n_numbers = len(conditions["threshold"])
    numbers = X[:, conditions["column"][:n_numbers]]
    holds = numbers <= conditions["threshold"]
    holds |= np.isnan(numbers) & (conditions["missing_left"] == 1)
    sets = np.split(conditions["set_bits"], conditions["set_offsets"][1:-1])
    for column, chosen in zip(conditions["column"][n_numbers:], sets, strict=False):
        bits = np.append(np.unpackbits(chosen, bitorder="little"), 0)
        holds = np.column_stack([holds, bits[category_places(X[:, column], len(bits))] == 1])
    return holds


def category_places(codes, size):
    return np.minimum(np.nan_to_num(codes, nan=-1.0) + 1, size - 1).astype(int)


def statistic_columns(statistics, X):
    sources = []
    groups = np.split(statistics["hashes"].astype(np.int64), statistics["hash_offsets"][1:-1])
    for column, hashes in zip(statistics["hash_column"], groups, strict=False):
        sources.append(hashes[category_places(X[:, column], len(hashes))].view(np.uint64))
    conditions = statistics["conditions"]
    holds = evaluate(conditions, X)
    holds[:, : len(conditions["threshold"])] ^= True
    sources += list(holds.T.astype(np.uint64))
    combinations = np.split(statistics["part_source"], statistics["part_offsets"][1:-1])
    bits = np.uint64(max(1, (len(combinations) - 1).bit_length()))
    shift = np.uint64(64) - bits
    columns = []
    values = statistics["values"]
    for number in statistics["combination"]:
        hashes = np.zeros(len(X), np.uint64)
        for part in combinations[number]:
            hashes = MULTIPLIER * (hashes + MULTIPLIER * sources[part])
        wanted = np.uint64(number) << shift | hashes >> bits
        keys = statistics["keys"][statistics["keys"] >> shift == number]
        place = np.where(np.isin(wanted, keys), np.searchsorted(keys, wanted), len(keys))
        columns.append(values[place])
        values = values[len(keys) + 1 :]
    return np.column_stack(columns)


def combine(predictions, weights, temperature):
    if predictions[0].ndim == 1:
        return sum(map(np.multiply, weights, predictions))
    logs = [np.log(np.clip(each, 1e-6, 1.0)) for each in predictions]
    pooled = softmax(sum(map(np.multiply, weights, logs)))
    proba = pooled if len(predictions) > 1 else predictions[0]
    proba = proba / proba.sum(axis=1, keepdims=True)
    logs = np.log(np.clip(proba, 1e-15, 1.0))
    return proba if temperature == 1 else softmax(logs / temperature)
