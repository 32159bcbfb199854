"""Texts to prove a file on when no table is at hand: short, long, of many scripts, and nasty."""

from __future__ import annotations

SAMPLE_TEXTS: tuple[str, ...] = (
    "If the paint has dried, then it's safe to apply the second coat.",
    "Hello",
    "",
    "   \t\n ",
    "The QUICK brown fox jumped over 13 lazy dogs.",
    "naïve café résumé façade Ångström",
    "e\u0301 and é, A\u030a and Å: the same letter twice",
    "İstanbul, ıslak, STRASSE and Straße",
    "don't stop — “really”, she said… 50 %!",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "x" * 100 + " " + "y" * 101,
    "越过长城,走向世界",
    "今天天气很好，我们去公园散步吧。",
    "東京タワーは高い。カタカナとひらがな。",
    "안녕하세요, 오늘은 어떻게 지내세요?",
    "Съешь же ещё этих мягких французских булок.",
    "Ο καιρός είναι καλός σήμερα.",
    "مرحبا بالعالم، كيف حالك؟",
    "שלום עולם",
    "नमस्ते दुनिया, आप कैसे हैं?",
    "สวัสดีชาวโลก",
    "👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 done ✓",
    "a\u200bb\u00adc\ufeffd\u2028e",
    "[CLS] and [SEP] and [MASK] written by a person",
    "https://example.org/path?query=1&other=2#part, mail@example.org",
    "3.14159 1,000,000 10^6 ½ ² №5 €20 £30 ¥40",
    "snake_case camelCase kebab-case C++ C# F#",
    "\x00control\x07characters\x1b[0m",
    "Set the oven to 180 °C, grease a 23 cm tin, and line its base with paper before you weigh the flour.",
    "When the light on the left side of the panel starts to blink, press and hold the power button for "
    "about five seconds, wait until the fan has stopped, and only then open the cover; the spring behind "
    "it is under tension and will push it towards you.",
    " ".join(f"word{number}" for number in range(120)),
    "長" * 300,
)
