#!/usr/bin/env python3
"""Train the demo model in models/stories from scratch, on a CPU, in under an hour.

The script needs no data set and no download. It

1. tells itself a corpus of short children's stories from a seeded grammar,
2. trains a byte-level BPE tokenizer with 256 entries on that corpus,
3. trains a small Llama (three layers, width 64) on it with JAX, and
4. writes an ordinary Hugging Face model directory: config, safetensors,
   tokenizer, calibration and held-out text, and a model card.

    pip install -r scripts/train_requirements.txt
    python scripts/train_demo_model.py --seed 7 --steps 1600 --out models/stories

The same seed, steps and package versions give the same corpus and tokenizer
everywhere, and the same weights on the same kind of CPU.
"""

import argparse
import json
import math
import os
import random
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

# --------------------------------------------------------------------------
# 1. The grammar
#
# Every choice lists its options from likely to rare and draws them with the
# weights below, so that at each point one continuation clearly leads. Which
# one leads depends on what came before: the adjective decides the animal,
# the animal decides the name and the plot, the toy decides the place, and so
# on. Heroes and helpers are different animals, so "the bird" is never
# ambiguous.
# --------------------------------------------------------------------------

PEAKED = (55, 25, 12, 8)

ADJECTIVES = ("little", "kind", "brave", "small")
KINDS = {
    "little": ("fox", "rabbit", "girl", "mouse"),
    "kind": ("bear", "girl", "rabbit", "cat"),
    "brave": ("dog", "boy", "fox", "bear"),
    "small": ("mouse", "cat", "boy", "dog"),
}
NAMES = {
    "fox": ("Finn", "Ruby", "Max", "Lily"),
    "rabbit": ("Lily", "Ben", "Sue", "Tim"),
    "girl": ("Mia", "Lily", "Sue", "Ruby"),
    "boy": ("Tim", "Ben", "Max", "Finn"),
    "mouse": ("Tim", "Mia", "Sue", "Ben"),
    "cat": ("Ruby", "Max", "Mia", "Finn"),
    "dog": ("Max", "Sue", "Ben", "Ruby"),
    "bear": ("Ben", "Mia", "Finn", "Max"),
}
GIRLS = {"Ruby", "Lily", "Mia", "Sue"}
HOMES = {
    "fox": "a den in the forest", "bear": "a den in the forest",
    "rabbit": "a hole under a tree", "mouse": "a hole under a tree",
    "girl": "a house by the river", "cat": "a house by the river",
    "boy": "a house on the hill", "dog": "a house on the hill",
}
PLOTS = {
    "fox": ("toy", "lost", "share", "stuck"),
    "rabbit": ("share", "toy", "storm", "fear"),
    "girl": ("toy", "fear", "lost", "share"),
    "boy": ("stuck", "toy", "fear", "lost"),
    "mouse": ("fear", "share", "storm", "toy"),
    "cat": ("lost", "storm", "toy", "share"),
    "dog": ("stuck", "toy", "lost", "storm"),
    "bear": ("share", "storm", "stuck", "fear"),
}

# Toy: its colours, where it goes, what goes wrong, where it is then, and who can
# bring it back and how.
TOYS = {
    "kite": (("red", "blue", "green"), ("hill", "field"),
             "The wind blew the kite into a tree.", "in the tree",
             (("bird", "flew up"), ("owl", "flew up"))),
    "boat": (("blue", "green", "red"), ("river", "lake"),
             "The boat floated away.", "on the water",
             (("duck", "swam out"), ("frog", "jumped in"), ("fish", "swam up"))),
    "ball": (("green", "red", "blue"), ("park", "garden"),
             "The ball fell into a deep hole.", "in the hole",
             (("mole", "went down"), ("frog", "jumped in"))),
}
TOYS_OF = {
    "fox": ("kite", "ball", "boat"), "rabbit": ("ball", "kite", "boat"),
    "girl": ("boat", "kite", "ball"), "boy": ("kite", "boat", "ball"),
    "mouse": ("boat", "ball", "kite"), "cat": ("ball", "boat", "kite"),
    "dog": ("ball", "kite", "boat"), "bear": ("boat", "ball", "kite"),
}
# Food: where it is found, who comes along hungry, and how it looks and tastes.
FOODS = {
    "apple": ("garden", ("bird", "hen", "mole"), ("red", "big"), "sweet"),
    "cake": ("park", ("duck", "bird", "frog"), ("big", "red"), "very good"),
    "nut": ("forest", ("mole", "hen", "bird"), ("big", "red"), "good"),
}
FOODS_OF = {"rabbit": ("apple", "nut", "cake"), "mouse": ("cake", "nut", "apple"),
            "bear": ("apple", "cake", "nut"), "fox": ("nut", "apple", "cake"),
            "girl": ("cake", "apple", "nut"), "cat": ("cake", "apple", "nut")}
# Fear: the place, who helps, the advice, and what the hero then does.
FEARS = {
    "the dark": ("forest", ("owl", "mole"), "Look at the stars", "looked at the stars"),
    "the water": ("lake", ("duck", "frog"), "Hold on to me", "swam in the lake"),
    "the tall tree": ("garden", ("bird", "owl"), "Do not look down", "went up the tree"),
}
FEARS_OF = {"mouse": ("the dark", "the water", "the tall tree"),
            "girl": ("the water", "the dark", "the tall tree"),
            "boy": ("the tall tree", "the water", "the dark"),
            "rabbit": ("the dark", "the tall tree", "the water"),
            "bear": ("the water", "the tall tree", "the dark")}
# Trap: the place, who is stuck there, and what the hero uses to help.
TRAPS = {
    "the mud": ("river", ("frog", "duck"), "stick"),
    "a deep hole": ("field", ("hen", "frog"), "rope"),
    "a tree": ("forest", ("bird", "hen"), "stick"),
}
TRAPS_OF = {"boy": ("a tree", "the mud", "a deep hole"),
            "dog": ("the mud", "a deep hole", "a tree"),
            "fox": ("a deep hole", "the mud", "a tree"),
            "bear": ("the mud", "a tree", "a deep hole")}


def tell_story(rng):
    """One story of roughly 60 to 120 words, and the information in its choices.

    The second value is -log(probability) of the choices made, in nats: what an
    ideal model of this grammar would pay for the whole story.
    """
    nats = 0.0

    def pick(options):
        nonlocal nats
        weights = PEAKED[: len(options)]
        index = rng.choices(range(len(options)), weights)[0]
        nats -= math.log(weights[index] / sum(weights))
        return options[index]

    adjective = pick(ADJECTIVES)
    kind = pick(KINDS[adjective])
    name = pick(NAMES[kind])
    she = name in GIRLS
    he, him, his = ("she", "her", "her") if she else ("he", "him", "his")
    He = he.capitalize()
    plot = pick(PLOTS[kind])
    fear = pick(FEARS_OF[kind]) if plot == "fear" else None
    known = pick((True, False))  # True: introduced first; False: straight into the day

    hero = f"a {adjective} {kind} named {name}"
    if known:
        start = pick(("Once upon a time, there was", "Once there was"))
        intro = f"{start} {hero}. {He} lived in {HOMES[kind]}. "
        day = f"One day, {name}"
    else:
        intro, day = "", f"One day, {hero}"

    def friends_end(friend):
        """How the longer plots end; a story that ends at night has nobody play till sunset."""
        best = f"From that day on, {name} and the {friend} were best friends."
        if plot == "lost":
            return pick((best, f"{name} went to bed warm and happy."))
        return pick((best, f"{name} and the {friend} played until the sun went down.",
                     f"Then {name} ran home to tell the story."))

    def moral(lessons):
        """How the shorter plots end."""
        return f"{name} learned that {pick(lessons)}."

    def thanks(friend):
        return pick((
            f'{name} was very happy. "Thank you, {friend}!" {he} said. ',
            f'"Thank you, {friend}!" said {name} with a big smile. ',
        ))

    def a(noun):
        return f"an {noun}" if noun == "owl" else f"a {noun}"

    if plot == "toy":
        toy = pick(TOYS_OF[kind])
        colours, places, mishap, where, helpers = TOYS[toy]
        colour, place, (friend, deed) = pick(colours), pick(places), pick(helpers)
        if known:
            intro += f"{He} had a {colour} {toy}. "
            go = f"{day} took {his} {toy} to the {place}. "
        else:
            go = f"{day} went to the {place} with {his} {colour} {toy}. "
        cry = pick((f'"Oh no! My {toy}!" cried {name}. {He} was very sad. ',
                    f"{name} was very sad and began to cry. "))
        meet = pick((f'{a(friend).capitalize()} saw {him} and asked, "Why are you sad?" ',
                     f'Then {a(friend)} came by. "Can you help me?" asked {name}. '))
        tell = f'"My {toy} is {where}," said {name}. '
        answer = pick((f'"I can help you," said the {friend}. ',
                       f'"Do not worry," said the {friend}. '))
        fix = f"The {friend} {deed} and got the {colour} {toy}. "
        body = go + mishap + " " + cry + meet + tell + answer + fix
        body += thanks(friend) + friends_end(friend)

    elif plot == "lost":
        place = pick(("forest", "field"))
        bait = pick({"forest": ("butterfly", "bee"), "field": ("bee", "butterfly")}[place])
        friend = pick({"forest": ("owl", "hen", "mole"), "field": ("bird", "mole", "owl")}[place])
        feeling = pick(("scared", "sad"))
        go = f"{day} went to the {place} to play. "
        chase = pick((f"{He} saw a {bait} and ran after it. ",
                      f"A {bait} flew by, and {name} ran after it. "))
        lost = f"Soon {he} was far from home. It was dark, and {name} was very {feeling}. "
        meet = pick((f'{a(friend).capitalize()} saw {him} and asked, "Why are you {feeling}?" ',
                     f'Then {a(friend)} came by. "Can you help me?" asked {name}. '))
        tell = '"I am lost." '
        answer = pick((f'"I know the way," said the {friend}. ',
                       f'"Do not worry," said the {friend}. '))
        fix = pick((f"The {friend} took {him} home. ", f"Soon {name} was home. "))
        body = go + chase + lost + meet + tell + answer + fix
        body += thanks(friend) + friends_end(friend)

    elif plot == "share":
        food = pick(FOODS_OF[kind])
        place, friends, looks, taste = FOODS[food]
        friend, look = pick(friends), pick(looks)
        go = f"{day} went to the {place} and found a {look} {food}. "
        glad = pick((f'"I love {food}s!" said {name}. ', f"{name} was very happy. "))
        meet = pick((f'Then {a(friend)} came by. "I am so hungry," said the {friend}. ',
                     f"Then {he} saw {a(friend)}. The {friend} was sad and very hungry. "))
        think = pick((f"{name} looked at the {look} {food}. ",
                      f"{name} wanted to help the {friend}. "))
        answer = pick((f'"We can share my {food}," {he} said. ',
                       f'"Do not worry," said {name}. "We can share my {food}." '))
        fix = (f"They sat down to eat, and the {food} was {taste}. "
               f'"Thank you, {name}!" said the {friend}. ')
        body = go + glad + meet + think + answer + fix
        body += moral(("it is good to share", "it is good to be kind"))

    elif plot == "storm":
        place = pick(("field", "forest", "hill"))
        friend = pick({"field": ("mole", "duck"), "forest": ("owl", "hen"),
                       "hill": ("bird", "mole")}[place])
        go = f"{day} went to the {place} to play. "
        rain = pick(("The sky got dark, and it began to rain. ",
                     "The wind blew, and it began to rain. "))
        wet = pick((f"Soon {name} was wet and very cold. ",
                    f'"Oh no!" cried {name}. {He} was wet and very cold. '))
        ask = f'{He} ran to the house of the {friend}. "Can you help me?" asked {name}. '
        answer = pick((f'"Yes, come in," said the {friend}. ',
                       f'"Do not worry," said the {friend}. "Come in." '))
        food = pick(("soup", "tea"))
        fix = f"They sat by the fire and had hot {food}. Soon the sun came out. "
        body = go + rain + wet + ask + answer + fix
        body += thanks(friend) + friends_end(friend)

    elif plot == "fear":
        place, friends, advice, deed = FEARS[fear]
        friend = pick(friends)
        if known:
            intro += f"{He} was scared of {fear}. "
            near = "by" if place == "lake" else "in"
            go = f"{day} met {a(friend)} {near} the {place}. "
        else:
            go = f"{day} met {a(friend)}. "
        ask = pick((f'"Come and play with me," said the {friend}. ',
                    f'"Do you want to play?" asked the {friend}. '))
        tell = pick((f'"I am scared of {fear}," said {name}. ',
                     f'"No, I am scared of {fear}," said {name}. '))
        answer = f'"Do not worry," said the {friend}. "{advice}. I will stay with you." '
        fix = pick((f"So {name} {deed} with the {friend}. ",
                    f"{name} was very brave and {deed}. "))
        after = pick((f'"I did it!" said {name}. {He} was not scared any more. ',
                      f"It was fun, and {he} was not scared any more. "))
        body = go + ask + tell + answer + fix + after
        body += moral(("it is good to be brave", "friends help each other"))

    else:  # stuck
        trap = pick(TRAPS_OF[kind])
        place, friends, tool = TRAPS[trap]
        friend = pick(friends)
        go = f"{day} went to the {place} to play. "
        hear = pick((f'{He} heard a cry. "Help me!" ', '"Help! Help!" cried a small voice. '))
        see = f"{a(friend).capitalize()} was stuck in {trap}. "
        answer = pick((f'"Do not worry," said {name}. "I can help you." ',
                       f'"I can help you," said {name}. '))
        fix = (f"{He} found a {tool}. {name} pulled and pulled, and soon the {friend} "
               "was free. ")
        end = pick((f'"Thank you, {name}!" said the {friend}. "You are very brave." ',
                    f'The {friend} was very happy. "Thank you, {name}!" '))
        body = go + hear + see + answer + fix + end
        body += moral(("it is good to be kind", "friends help each other"))

    return intro + body, nats


def tell_stories(seed, count, forbidden=frozenset()):
    """`count` stories drawn independently, none in `forbidden`, and their mean cost in nats."""
    rng = random.Random(seed)
    stories, costs = [], []
    while len(stories) < count:
        story, nats = tell_story(rng)
        if story not in forbidden:
            stories.append(story)
            costs.append(nats)
    return stories, sum(costs) / count


# --------------------------------------------------------------------------
# 2. The tokenizer
# --------------------------------------------------------------------------

VOCAB_SIZE = 256
BOS, EOS, UNK = "<|bos|>", "<|eos|>", "<|unk|>"
BOS_ID, EOS_ID = 0, 1
MAX_ROW = 216  # most tokens in a training row, <|bos|> and <|eos|> included


def train_tokenizer(stories):
    """Byte-level BPE whose alphabet is ordinary English text instead of all 256 bytes.

    Letters, digits and common punctuation always encode, whether or not the
    stories use them; any other byte becomes <|unk|>. "\u0120" and "\u010a" are the
    byte-level spellings of a space and a line feed.
    """
    letters = "abcdefghijklmnopqrstuvwxyz"
    alphabet = letters + letters.upper() + "0123456789" + ".,!?'\"-:;()" + "\u0120\u010a"
    tokenizer = Tokenizer(models.BPE(unk_token=UNK))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        stories,
        trainers.BpeTrainer(
            vocab_size=VOCAB_SIZE,
            special_tokens=[BOS, EOS, UNK],
            initial_alphabet=list(alphabet),
            limit_alphabet=len(alphabet),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, BOS_ID)]
    )
    assert tokenizer.get_vocab_size() == VOCAB_SIZE
    assert (tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)) == (BOS_ID, EOS_ID)
    for story in stories[:1000]:
        assert tokenizer.decode(tokenizer.encode(story).ids) == story
    return tokenizer


def make_rows(tokenizer, stories):
    """One row per story: <|bos|> story <|eos|>, padded with <|eos|>. Returns (ids, lengths)."""
    encoded = [e.ids + [EOS_ID] for e in tokenizer.encode_batch(stories)]
    lengths = np.array([len(ids) for ids in encoded], np.int32)
    assert lengths.max() <= MAX_ROW, f"a story needs {lengths.max()} tokens"
    rows = np.full((len(encoded), lengths.max()), EOS_ID, np.uint8)
    for row, ids in zip(rows, encoded, strict=True):
        row[: len(ids)] = ids
    return rows, lengths


# --------------------------------------------------------------------------
# 3. The model
#
# Parameters live in one dictionary under their Hugging Face names and in the
# Hugging Face layout (rows are outputs), so exporting them is writing them down.
# --------------------------------------------------------------------------

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": BOS_ID,
    "eos_token_id": EOS_ID,
    "head_dim": 16,
    "hidden_act": "silu",
    "hidden_size": 64,
    "initializer_range": 0.02,
    "intermediate_size": 128,
    "max_position_embeddings": 256,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
    "use_cache": True,
    "vocab_size": VOCAB_SIZE,
}
HIDDEN, INNER = CONFIG["hidden_size"], CONFIG["intermediate_size"]
HEADS, KV_HEADS = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]
HEAD_DIM, LAYERS = CONFIG["head_dim"], CONFIG["num_hidden_layers"]


def init_params(seed):
    """Normal matrices with standard deviation 1/sqrt(inputs), norms at one."""
    shapes = {"model.embed_tokens.weight": (VOCAB_SIZE, HIDDEN)}
    for n in range(LAYERS):
        layer = f"model.layers.{n}."
        shapes[layer + "input_layernorm.weight"] = (HIDDEN,)
        shapes[layer + "self_attn.q_proj.weight"] = (HEADS * HEAD_DIM, HIDDEN)
        shapes[layer + "self_attn.k_proj.weight"] = (KV_HEADS * HEAD_DIM, HIDDEN)
        shapes[layer + "self_attn.v_proj.weight"] = (KV_HEADS * HEAD_DIM, HIDDEN)
        shapes[layer + "self_attn.o_proj.weight"] = (HIDDEN, HEADS * HEAD_DIM)
        shapes[layer + "post_attention_layernorm.weight"] = (HIDDEN,)
        shapes[layer + "mlp.gate_proj.weight"] = (INNER, HIDDEN)
        shapes[layer + "mlp.up_proj.weight"] = (INNER, HIDDEN)
        shapes[layer + "mlp.down_proj.weight"] = (HIDDEN, INNER)
    shapes["model.norm.weight"] = (HIDDEN,)
    rng = np.random.default_rng(seed)
    return {
        name: jnp.ones(shape, jnp.float32) if len(shape) == 1
        else jnp.asarray(rng.normal(0, shape[1] ** -0.5, shape), jnp.float32)
        for name, shape in shapes.items()
    }


def rms_norm(x, weight):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + CONFIG["rms_norm_eps"]) * weight


def rope_tables(length):
    """cos and sin of the Llama convention: both halves of a head share the angles."""
    inverse = CONFIG["rope_theta"] ** (-np.arange(0, HEAD_DIM, 2) / HEAD_DIM)
    angles = np.outer(np.arange(length), inverse)
    angles = np.concatenate([angles, angles], -1)
    return jnp.asarray(np.cos(angles), jnp.float32), jnp.asarray(np.sin(angles), jnp.float32)


def rotate(x, cos, sin):
    """Apply rope to [batch, heads, length, head_dim] (Hugging Face's rotate_half)."""
    first, second = jnp.split(x, 2, -1)
    return x * cos + jnp.concatenate([-second, first], -1) * sin


def forward(params, ids):
    """Logits for a batch of token rows, each row a document that starts at position 0."""
    batch, length = ids.shape
    cos, sin = rope_tables(length)
    causal = jnp.asarray(np.tril(np.ones((length, length), bool)))

    def heads(x, count):
        return x.reshape(batch, length, count, HEAD_DIM).transpose(0, 2, 1, 3)

    embedding = params["model.embed_tokens.weight"]
    x = embedding[ids]
    for n in range(LAYERS):
        def weight(name, layer=f"model.layers.{n}."):
            return params[f"{layer}{name}.weight"]

        h = rms_norm(x, weight("input_layernorm"))
        q = rotate(heads(h @ weight("self_attn.q_proj").T, HEADS), cos, sin)
        k = rotate(heads(h @ weight("self_attn.k_proj").T, KV_HEADS), cos, sin)
        v = heads(h @ weight("self_attn.v_proj").T, KV_HEADS)
        k, v = (jnp.repeat(t, HEADS // KV_HEADS, 1) for t in (k, v))
        scores = q @ k.swapaxes(-1, -2) * HEAD_DIM ** -0.5
        mixed = jax.nn.softmax(jnp.where(causal, scores, -1e30), -1) @ v
        mixed = mixed.transpose(0, 2, 1, 3).reshape(batch, length, HEADS * HEAD_DIM)
        x = x + mixed @ weight("self_attn.o_proj").T

        h = rms_norm(x, weight("post_attention_layernorm"))
        gated = jax.nn.silu(h @ weight("mlp.gate_proj").T) * (h @ weight("mlp.up_proj").T)
        x = x + gated @ weight("mlp.down_proj").T
    return rms_norm(x, params["model.norm.weight"]) @ embedding.T


def token_losses(params, rows, lengths):
    """Cross entropy of each next token up to and including <|eos|>, and the mask of those."""
    logits = forward(params, rows[:, :-1])
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, rows[:, 1:])
    return losses, jnp.arange(1, rows.shape[1]) < lengths[:, None]


def mean_loss(params, rows, lengths):
    losses, mask = token_losses(params, rows, lengths)
    return jnp.sum(losses * mask) / jnp.sum(mask)


# --------------------------------------------------------------------------
# 4. Training
# --------------------------------------------------------------------------

BATCH = 32
PEAK_RATE, FINAL_RATE, WARM_UP = 4e-3, 4e-5, 150
WEIGHT_DECAY, CLIP_NORM = 0.1, 1.0
CLIP_EVERY, CLIP_SIGMAS, MAX_SIGMAS = 20, 4.2, 4.5


def is_matrix(params):
    return {name: value.ndim == 2 for name, value in params.items()}


def clip_outliers(params):
    """Bring every matrix entry within CLIP_SIGMAS root mean squares of its matrix.

    A quantiser with one scale per matrix spends its range on the largest entry,
    so a few outliers would cost all other entries their precision.
    """
    def clip(value):
        limit = CLIP_SIGMAS * jnp.sqrt(jnp.mean(value * value))
        return jnp.clip(value, -limit, limit) if value.ndim == 2 else value

    return {name: clip(value) for name, value in params.items()}


def train(rows, lengths, seed, steps, log):
    """AdamW with warm-up and a cosine schedule, on batches drawn at random."""
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, PEAK_RATE, min(WARM_UP, steps // 2), steps, FINAL_RATE)
    optimiser = optax.chain(
        optax.clip_by_global_norm(CLIP_NORM),
        optax.adamw(schedule, b1=0.9, b2=0.98, weight_decay=WEIGHT_DECAY, mask=is_matrix),
    )

    @jax.jit
    def step(params, state, batch_rows, batch_lengths):
        loss, grads = jax.value_and_grad(mean_loss)(params, batch_rows, batch_lengths)
        updates, state = optimiser.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    clip = jax.jit(clip_outliers)
    rng = np.random.default_rng(seed)
    params = init_params(seed)
    state = optimiser.init(params)
    recent, start = [], time.time()
    for number in range(1, steps + 1):
        chosen = rng.integers(0, len(rows), BATCH)
        params, state, loss = step(params, state, rows[chosen].astype(np.int32), lengths[chosen])
        recent.append(loss)
        if number % CLIP_EVERY == 0 or number == steps:
            params = clip(params)
        if number % 100 == 0 or number == steps:
            log(f"step {number}/{steps}  loss {np.mean(recent):.4f}  {time.time() - start:.0f} s")
            recent = []
    return params


def evaluate(params, rows, lengths):
    """Mean loss per token and share of tokens whose likeliest prediction is right."""
    @jax.jit
    def sums(part, part_lengths):
        losses, mask = token_losses(params, part, part_lengths)
        hits = jnp.argmax(forward(params, part[:, :-1]), -1) == part[:, 1:]
        return jnp.sum(losses * mask), jnp.sum(hits * mask), jnp.sum(mask)

    totals = np.zeros(3)
    for i in range(0, len(rows), 50):
        totals += np.array(sums(rows[i : i + 50].astype(np.int32), lengths[i : i + 50]), float)
    return totals[0] / totals[2], totals[1] / totals[2]


def continue_greedily(params, tokenizer, prompt, limit):
    """The likeliest token at every step, until <|eos|> or `limit` tokens in all."""
    step = jax.jit(lambda row, last: jnp.argmax(forward(params, row)[0, last]))
    ids = tokenizer.encode(prompt).ids
    while len(ids) < limit:
        row = np.full((1, limit), EOS_ID, np.int32)
        row[0, : len(ids)] = ids
        ids.append(int(step(row, len(ids) - 1)))
        if ids[-1] == EOS_ID:
            break
    return tokenizer.decode(ids)


def sigmas(params):
    """max|w| / rms(w), the worst over the layers, for each kind of matrix."""
    worst = {}
    for name, value in params.items():
        if value.ndim == 2:
            kind = name.split(".")[-2]
            ratio = float(jnp.abs(value).max() / jnp.sqrt(jnp.mean(value * value)))
            worst[kind] = max(ratio, worst.get(kind, 0.0))
    assert max(worst.values()) < MAX_SIGMAS, worst
    return worst


# --------------------------------------------------------------------------
# 5. Export
# --------------------------------------------------------------------------

PROMPTS = ("Once upon a time", "One day, a little fox", "Once there was a brave dog named Max.")

CARD = """\
---
language: en
library_name: transformers
tags: [llama, tiny, stories, demo]
---

# stories: a tiny demo Llama

A language model of {parameters:,} parameters that tells short children's stories. It
exists so that the examples and tests of cairo-decode have a real, trained model that
is small enough to keep in the repository: an ordinary Hugging Face Llama directory
whose every number comes from one script in this repository.

## Architecture

Llama: {layers} layers, width {hidden}, feed-forward width {inner}, {heads} attention heads
and {kv_heads} key/value heads of {head_dim} dimensions, rotary embeddings with base 10000,
RMSNorm with epsilon 1e-5, SiLU, no biases, tied input and output embeddings, float32, up
to {context} positions. The tokenizer is a byte-level BPE with {vocab} entries: `<|bos|>` (0),
`<|eos|>` (1), `<|unk|>` (2), the letters, digits and common punctuation of English, and
merges. Encoding puts `<|bos|>` in front. A byte outside that alphabet becomes `<|unk|>`.

## Data

No outside data. The script's own seeded grammar wrote {train_count:,} stories for training
(seed {seed}), {held_count} held-out stories (seed {held_seed}) and
{calibration_count} for calibration (seed {calibration_seed}); training
stories that equal a held-out story were left out. Six plots (a lost toy, a lost
way, a shared meal, a storm, a fear, a friend in trouble) with eight kinds of hero. Choices
are drawn with strongly peaked weights (55, 25, 12, 8) and depend on earlier ones.
`calibration.txt` and `heldout.txt` hold {file_count} stories each, one a paragraph.

## Training

    {command}

AdamW (weight decay {decay} on matrices, gradients clipped at norm {clip_norm}), batches of
{batch} stories, {warm_up} warm-up steps to a rate of {peak_rate}, then a cosine
down to {final_rate}. Every {clip_every} steps, and at the end, matrix entries beyond
{clip_sigmas} root mean squares of their matrix are clipped to that, which keeps a later
int8 quantisation simple. Wall time: {minutes:.0f} minutes on two shared CPU cores. Versions
are pinned in `scripts/train_requirements.txt`.

## Results

| | loss (nats per token) | perplexity | top-1 accuracy |
|---|---|---|---|
| training stories | {train_loss:.4f} | {train_ppl:.4f} | {train_top:.2%} |
| held-out stories | {held_loss:.4f} | {held_ppl:.4f} | {held_top:.2%} |

The grammar's own choices carry {entropy:.4f} nats per token, so no model can do much better
than a perplexity of {entropy_ppl:.4f}. (It is a slight overestimate where two choices spell
the same text.)

Largest |w| / rms(w) of each kind of matrix: {sigmas}.

## Samples

Greedy decoding; the prompt is in bold.

{samples}

## Limits

It knows about {word_count} words and six plots, and nothing else. A prompt that the grammar
cannot begin gives text that makes no sense, even a near one such as "One day, Lily" (the
grammar first says what kind of hero Lily is). Held-out stories are new as whole stories,
but come from the same sentences as the training stories. Digits, several capital
letters and some punctuation never occur in training, so their embeddings mean nothing.
Stories are at most {longest} tokens long, and positions beyond that were never trained. It
is a demonstration, fit for no other purpose.
"""


def write_model(out, params, tokenizer, texts, card):
    """Write the directory file by file, each complete before it takes its name."""
    out.mkdir(parents=True, exist_ok=True)

    def as_json(value):
        return json.dumps(value, indent=2) + "\n"

    special = {"bos_token": BOS, "eos_token": EOS, "unk_token": UNK}
    files = {
        "config.json": as_json(CONFIG),
        "generation_config.json": as_json({
            "bos_token_id": BOS_ID, "eos_token_id": EOS_ID, "do_sample": False,
            "max_length": CONFIG["max_position_embeddings"]}),
        "tokenizer.json": tokenizer.to_str(pretty=True) + "\n",
        "tokenizer_config.json": as_json({
            **special, "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": CONFIG["max_position_embeddings"],
            "clean_up_tokenization_spaces": False}),
        **{name: "\n\n".join(stories) + "\n" for name, stories in texts.items()},
        "README.md": card,
    }
    with tempfile.TemporaryDirectory(dir=out, prefix=".writing-") as scratch:
        scratch = Path(scratch)
        for name, text in files.items():
            (scratch / name).write_text(text, encoding="utf-8")
        arrays = {name: np.ascontiguousarray(value) for name, value in params.items()}
        save_file(arrays, scratch / "model.safetensors", metadata={"format": "pt"})
        for path in sorted(scratch.iterdir()):
            path.chmod(0o644)
            os.replace(path, out / path.name)


TRAIN_COUNT, HELD_COUNT, FILE_COUNT = 60_000, 500, 40


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--out", type=Path, default=Path("models/stories"))
    args = parser.parse_args()
    start = time.time()

    def log(message):
        print(message, flush=True)

    held_seed, calibration_seed = args.seed + 1000, args.seed + 2000
    held, entropy = tell_stories(held_seed, HELD_COUNT)
    stories, _ = tell_stories(args.seed, TRAIN_COUNT, frozenset(held))
    calibration, _ = tell_stories(calibration_seed, FILE_COUNT, frozenset(held))
    words = {word.strip('.,!?"').lower() for story in stories for word in story.split()}

    tokenizer = train_tokenizer(stories)
    rows, lengths = make_rows(tokenizer, stories)
    held_rows, held_lengths = make_rows(tokenizer, held)
    entropy /= held_lengths.mean() - 1  # <|bos|> is given, all other tokens are predicted
    log(f"{len(stories)} stories, {len(words)} words, {lengths.mean():.1f} tokens on average, "
        f"{lengths.max()} at most; the grammar carries {entropy:.4f} nats per token")

    params = train(rows, lengths, args.seed, args.steps, log)
    train_loss, train_top = evaluate(params, rows[:HELD_COUNT], lengths[:HELD_COUNT])
    held_loss, held_top = evaluate(params, held_rows, held_lengths)
    ratios = ", ".join(f"{kind} {ratio:.2f}" for kind, ratio in sigmas(params).items())
    log(f"loss: train {train_loss:.4f}, held-out {held_loss:.4f}; max|w|/rms(w): {ratios}")

    samples = []
    for prompt in PROMPTS:
        text = continue_greedily(params, tokenizer, prompt, int(lengths.max()) + 8)
        log(text)
        samples.append(f"> **{prompt}**{text[len(prompt):]}")

    card = CARD.format(
        parameters=sum(value.size for value in params.values()),
        layers=LAYERS, hidden=HIDDEN, inner=INNER, heads=HEADS, kv_heads=KV_HEADS,
        head_dim=HEAD_DIM, context=CONFIG["max_position_embeddings"], vocab=VOCAB_SIZE,
        train_count=TRAIN_COUNT, held_count=HELD_COUNT, calibration_count=FILE_COUNT,
        seed=args.seed, held_seed=held_seed, calibration_seed=calibration_seed,
        file_count=FILE_COUNT, decay=WEIGHT_DECAY, clip_norm=CLIP_NORM, batch=BATCH,
        warm_up=WARM_UP, peak_rate=PEAK_RATE, final_rate=FINAL_RATE, clip_every=CLIP_EVERY,
        clip_sigmas=CLIP_SIGMAS, minutes=(time.time() - start) / 60,
        command=f"python scripts/train_demo_model.py --seed {args.seed} "
                f"--steps {args.steps} --out models/stories",
        train_loss=train_loss, train_ppl=math.exp(train_loss), train_top=train_top,
        held_loss=held_loss, held_ppl=math.exp(held_loss), held_top=held_top,
        entropy=entropy, entropy_ppl=math.exp(entropy), sigmas=ratios,
        samples="\n\n".join(samples), word_count=len(words), longest=int(lengths.max()),
    )
    texts = {"calibration.txt": calibration, "heldout.txt": held[:FILE_COUNT]}
    write_model(args.out, params, tokenizer, texts, card)
    log(f"wrote {args.out} after {(time.time() - start) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
