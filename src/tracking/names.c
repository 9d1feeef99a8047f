#include "base/rng.h"
#include "tracking/tracking_int.h"

/* Short words, so that "adjective-noun-number" is never over MLflow's 20 characters: 7 + 1 + 8 + 1
 * + 3. */
static const char *const adjectives[] = {
    "able",    "agile",  "amber",  "ample",  "apt",    "azure",  "bold",    "brave",  "bright",
    "brisk",   "calm",   "candid", "chill",  "clear",  "clever", "cool",    "crisp",  "curious",
    "daring",  "deft",   "eager",  "early",  "fair",   "fancy",  "fast",    "fierce", "firm",
    "fond",    "fresh",  "gentle", "glad",   "golden", "grand",  "handy",   "happy",  "hardy",
    "honest",  "humble", "jolly",  "keen",   "kind",   "lively", "loyal",   "lucky",  "mellow",
    "merry",   "mighty", "modest", "neat",   "nimble", "noble",  "patient", "placid", "polite",
    "proud",   "quick",  "quiet",  "rapid",  "serene", "sharp",  "silent",  "smooth", "snappy",
    "solid",   "sound",  "spry",   "steady", "sunny",  "swift",  "tender",  "tidy",   "upbeat",
    "valiant", "vivid",  "warm",   "wise",   "witty",  "zesty",
};
static const char *const nouns[] = {
    "ant",    "badger", "barge",  "bear",   "beaver", "bee",     "bird",  "bison",   "boar",
    "brook",  "carp",   "cat",    "colt",   "conch",  "cove",    "crab",  "crane",   "creek",
    "crow",   "cub",    "deer",   "delta",  "doe",    "dolphin", "dove",  "duck",    "eel",
    "egret",  "elk",    "falcon", "fawn",   "finch",  "fish",    "foal",  "fox",     "frog",
    "gnat",   "goat",   "goose",  "grouse", "gull",   "hare",    "hawk",  "heron",   "hog",
    "horse",  "ibis",   "jay",    "kite",   "koi",    "lark",    "lynx",  "mare",    "mill",
    "mink",   "mole",   "moose",  "moth",   "mouse",  "mule",    "newt",  "ocean",   "otter",
    "owl",    "perch",  "plover", "pony",   "quail",  "ram",     "raven", "river",   "robin",
    "salmon", "seal",   "shad",   "shore",  "shrew",  "skink",   "snail", "sparrow", "squid",
    "stag",   "stork",  "swan",   "tern",   "tide",   "toad",    "trout", "turtle",  "vole",
    "walrus", "wave",   "whale",  "wolf",   "wren",   "yak",
};

str run_name_make(arena *a)
{
    uint64_t seed;
    random_bytes(&seed, sizeof seed);
    rng r;
    rng_init(&r, seed);
    const char *adjective = adjectives[rng_below(&r, countof(adjectives))];
    const char *noun = nouns[rng_below(&r, countof(nouns))];
    return str_fmt(a, "%s-%s-%d", adjective, noun, (int)rng_below(&r, 1000));
}
