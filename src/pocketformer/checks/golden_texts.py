"""The 200 texts of a golden file, as bytes: every script and every kind of trouble that a phone may meet."""

from __future__ import annotations

from pocketformer.checks.samples import SAMPLE_TEXTS

__all__ = ["golden_texts"]

_LONG_BYTES = 6000  # over the byte limit of every encoder with 512 positions


def golden_texts() -> tuple[bytes, ...]:
    """Return 200 different texts, the same ones in every version of the golden file's format.

    They are bytes because some are no valid UTF-8. The first ones are `SAMPLE_TEXTS`.
    """
    valid = (*SAMPLE_TEXTS, *_EVERYDAY, *_LANGUAGES, *_EMOJI, *_MARKS, *_SPACES, *_LITERALS, *_SIGNS)
    return (*(text.encode() for text in (*valid, *_long_texts())), *_INVALID, *_long_invalid())


_EVERYDAY = (
    # banking
    "I still have not received my new card; I ordered it two weeks ago.",
    "Why was I charged a fee for taking out cash abroad?",
    "how do i change my pin",
    "My transfer of 250.00 EUR to DE89 3704 0044 0532 0130 00 is still pending!!",
    # instructions and warnings
    "Do not touch the blade while the machine is running.",
    "Remove the four screws (M4 x 12 mm) and lift the cover straight up.",
    "Caution: contents may be hot.",
    # health
    "She has had a dry cough and 38.5 °C since Tuesday.",
    "Take one 500 mg tablet twice daily with food.",
    # law and contracts
    "The tenant shall give notice in writing no later than three months before the end of the term.",
    "Section 12(3)(b) does not apply to goods sold before 1 January 2021.",
    # shopping and reviews
    "great phone, terrible battery :(",
    "Arrived two days late but the box wasn't damaged, so 4/5 from me.",
    # travel
    "Is there a bus from the airport to the old town after midnight?",
    "Flight BA2490 LHR–JFK, gate B42, boarding at 06:35",
    # software
    "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    "git commit -m 'fix: off-by-one in the tokenizer' && git push",
    "SELECT name, COUNT(*) FROM users WHERE age >= 18 GROUP BY name;",
    '{"id": 17, "tags": ["a", "b"], "ok": true, "note": null}',
    '<p class="intro">Hello, <b>world</b> &amp; friends</p>',
    # science and news
    "The enzyme's activity fell by half when the pH was lowered from 7.4 to 6.1.",
    "Shares fell 3.2% on Friday after the company cut its forecast for the third quarter.",
    # chat
    "ok",
    "Soooooo happy for youuuu",
    "what? why? who?",
    "we're, they've, it'll, y'all'd've",
    "A",
    "?",
)

_LANGUAGES = (
    "Der Käufer trägt die Kosten der Rücksendung; Größe und Maß prüfen.",
    "Où est la gare ? L'été dernier, j'y étais déjà allé.",
    "¿Dónde está el baño? ¡El niño comió piñas en Logroño!",
    "Não há informação sobre a promoção de avelãs.",
    "Perché l'università è così lontana dalla città?",
    "Proszę wyłączyć urządzenie, zanim otworzą Państwo obudowę. ŁÓDŹ",
    "Účet byl zablokován, heslo změňte do pěti dnů.",
    "A tűzőgép gyűrűje eltörött, új kérhető?",
    "Şifremi değiştirdim ama kartım çalışmıyor. IĞDIR ıssız İĞNE",
    "Kjøp én, få én til på kjøpet; gælder også på Ærø",
    "Tiếng Việt có nhiều dấu: Nguyễn, phở, đường, ngữ nghĩa",
    "Πού είναι η στάση του λεωφορείου; ΟΔΟΣ Οδυσσεύς",
    "ὁ ἄνθρωπος ἐν τῇ οἰκίᾳ, ᾧ τῷ λόγῳ",
    "Мой перевод ещё не пришёл, хотя прошло уже три дня.",
    "Ґанок, їжак і щедра п'ятниця",
    "Њен џемпер и ђачка торба су у ћошку",
    "Բարև աշխարհ, ինչպե՞ս ես",
    "გამარჯობა მსოფლიო",
    "איפה תחנת האוטובוס הקרובה; שָׁלוֹם",
    "أين يمكنني تغيير كلمة المرور الخاصة بحسابي؟",
    "اَلسَّلَامُ عَلَيْكُمْ ١٢٣٤٥",
    "یک متن فارسی با نیم‌فاصله: می‌خواهم",
    "اردو میں لکھا ہوا جملہ",
    "मेरा कार्ड अभी तक क्यों नहीं आया है?",
    "আমার টাকা এখনও আসেনি।",
    "தமிழ் மொழி இனிமையானது",
    "తెలుగు భాష తీయనిది",
    "ಕನ್ನಡ ಮತ್ತು മലയാളം",
    "ਪੰਜਾਬੀ ਗੁਜરાતી ଓଡ଼ିଆ සිංහල",
    "กรุณาปิดเครื่องก่อนเปิดฝาครอบ",
    "ພາສາລາວ ភាសាខ្មែរ မြန်မာစာ",
    "བོད་སྐད་ ᠮᠣᠩᠭᠣᠯ",
    "አማርኛ ፊደል ሀለሐመ",
    "カードを なくしました。 ガギグゲゴ ｶﾞｷﾞｸﾞ",
    "電源を切ってから、ふたを開けてください。",
    "비밀번호를 바꾸려면 어떻게 해야 하나요?",
    "한글 자모: \u1112\u1161\u11ab\u1100\u1173\u11af",
    "我的银行卡还没收到。中文English混排123。",
    "請先關閉電源,再打開機蓋。",
    "𠀀𠀁𪚥 rare ideographs 㐀㐁",
    "ᏣᎳᎩ ᐃᓄᒃᑎᑐᑦ ᚠᚢᚦᚨᚱᚲ",
    "𐌰𐌱𐌲 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛",
)

_EMOJI = (
    "😀",
    "😀😃😄😁 hello😆world",
    "👋🏻👋🏼👋🏽👋🏾👋🏿",
    "👩‍💻 and 👨🏿‍🚀 with 🧑🏽‍🤝‍🧑🏻",
    "👨‍👩‍👧‍👦👩‍❤️‍💋‍👩",
    "🇩🇪🇫🇷🇯🇵 🇺🇳 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "🏳️‍⚧️ 🏴‍☠️",
    "1️⃣2️⃣#️⃣*️⃣",
    "☺ ☺️ ☹︎ ♥ ♥️ ❤️‍🔥",
    "thanks🙏🏾!!!1 :-) ^_^ ¯\\_(ツ)_/¯",
)

_MARKS = (
    "cafe\u0301 CAFE\u0301 café CAFÉ",
    "Z͑ͫ̓a͉̰l̶̥ģ͔o̞̊",
    "\u0301\u0302\u0303",
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309",
    "q\u0307\u0323 q\u0323\u0307 ṩ s\u0323\u0307",
    "ﬁ ﬂ ﬃ ﬆ Ǆ ǆ ŉ",
    "ẞ ß ſ ŧ ł ø đ ı ȷ",
    "İ i\u0307 I ı \u0130STANBUL",
    "K \u212a Å \u212b Ω \u2126",
    "ＦＵＬＬ　ＷＩＤＴＨ　１２３",
    "x\u20dd y\u20e0 z\u0489",
    "ÀÉÎÕÜ àéîõü ĀĒĪ",
)

_SPACES = (
    " ",
    "          ",
    "\t",
    "\r\n",
    "\u00a0\u2003\u3000\u202f",
    "a\u00a0b\u2003c\u3000d\u202fe\u205ff",
    "tab\tnewline\nreturn\rvertical\x0bform\x0cend",
    "  leading and trailing  ",
    "a\u200bb\u200cc\u200dd\u2060e\ufefff",
    "\ufeffbyte order mark first",
    "left\u202eright\u202c \u2066isolate\u2069",
    "line\u2028paragraph\u2029next\u0085end",
    "\x00",
    "a\x00b\x00\x00c",
    "\x01\x02\x03\x7f\x80\x9f",
    "soft\u00adhyphen and no\u2011break\u2010hyphen",
    "\ufffd already replaced \ufffd\ufffd",
    "private \ue000\uf8ff and unassigned \u0378\U000e0fff",
    "noncharacters \ufffe\uffff\U0010ffff",
)

_LITERALS = (
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[PAD][UNK]",
    "The capital of France is [MASK].",
    "[cls] [Mask] [ SEP ] [[MASK]] [MASK",
    "first[SEP]second[SEP]",
    "##ing ## # #hashtag ##",
    "<s> </s> <unk> <|endoftext|>",
)

_SIGNS = (
    "http://user:pw@host.example:8080/a/b.html?x=%20&y=ä#top",
    "www.example.com/~joe  ftp://[::1]/ file:///C:/temp",
    "first.last+tag@sub.example.co.uk",
    "@handle #Topic $TICKER",
    "192.168.0.1 fe80::1 00:1A:2B:3C:4D:5E",
    "+49 (0)30 1234-5678 ext. 9",
    "0 00 1e-10 -0.5 +7 1/2 3,5 1.000.000,00 0x7fff 0b101 ∞",
    "٣٫١٤ ३.१४ ๓.๑๔ Ⅷ ⅷ ⑧ ⁸ ₈ ⅞",
    "∀x∈ℝ: ∃y≠x ⇒ x²+y² ≥ 2·x·y ± √2",
    "“curly” ‘single’ «guillemets» „low” ‚comma‘ 「brackets」",
    "dash - – — ― − ~ … ‥ · • § ¶ † ‡ ™ © ®",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "a.b,c;d:e!f?g(h)i[j]k{l}m/n\\o|p",
    "─│┌┐ ▀▄█ ▲▼ ←↑→↓ ♔♕ ♩♪ ☀☁",
)

_INVALID = (
    b"lone continuation \x80 here",
    b"\xbf\xbf\xbf",
    b"\xff",
    b"\xfe\xff UTF-16 mark",
    b"overlong slash \xc0\xaf.",
    b"overlong NUL \xc0\x80.",
    b"overlong in three \xe0\x80\xaf, in four \xf0\x80\x80\xaf.",
    b"high surrogate \xed\xa0\x80 alone",
    b"low surrogate \xed\xbf\xbf alone",
    b"pair of surrogates \xed\xa0\xbd\xed\xb8\x80",
    b"beyond the last \xf4\x90\x80\x80 character",
    b"five \xf8\x88\x80\x80\x80 and six \xfc\x84\x80\x80\x80\x80 bytes",
    b"cut after one \xc3",
    b"cut after one of three \xe4",
    b"cut after two of three \xe4\xb8",
    b"cut after one of four \xf0",
    b"cut after two of four \xf0\x9f",
    b"cut after three of four \xf0\x9f\x98",
    b"cut inside \xe4\xb8 and going on \xf0\x9f\x98 here",
    b"\xc3\xc3\xa9\xa9",
    b"latin-1: caf\xe9 na\xefve \xdcber",
    b"\xe4\xb8\xad\xe4\xb8\xe4\xb8\xad",
    b"[MASK\xff] [CLS]\xc3[SEP]",
)  # fmt: skip


def _long_texts() -> tuple[str, ...]:
    """Texts over every byte limit; whatever the limit is, one is cut inside a character of each size."""
    two, three, four = (size * (_LONG_BYTES // len(size.encode())) for size in ("é", "界", "🙂"))
    cut_anywhere = (two, f"x{two}", three, f"x{three}", f"xy{three}")
    return (*cut_anywhere, *(f"{'xyz'[:shift]}{four}" for shift in range(4)))


def _long_invalid() -> tuple[bytes, ...]:
    """Long texts whose cut falls on bytes that are no character."""
    return (b"\x80" * _LONG_BYTES, b"a" + b"\xe4\xb8" * (_LONG_BYTES // 2))
