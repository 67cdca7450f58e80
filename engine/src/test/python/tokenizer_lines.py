"""Writes the lines on which the tokenizers are compared with Hugging Face: tokenizer-lines.json.gz, a JSON list of strings.

    python tokenizer_lines.py ../resources/dev/lectern/text/tokenizer-lines.json.gz

The same seed gives the same lines (Python 3.11 or later). Sentences are written for this file. Lines from invalid UTF-8
are stored as decoded with errors="replace", so both sides read the same text.
"""

import gzip
import json
import random
import sys
import unicodedata

SEED = 20261124
COUNT = 20_400

SENTENCES = [
    # English, German, French, Spanish, Italian, Portuguese, Dutch
    "The lighthouse keeper hadn't slept; she'd counted 1,482 ships since Monday, and it's only Thursday.",
    "They're sure we'll finish it before you've read chapter 12, but I'm not - he'd better hurry.",
    "Der Müller drehte um 6:45 Uhr das Rad, weil größere Säcke über den Fluß gebracht werden mußten.",
    "Die Straßenbahn fährt heute nicht; Äpfel, Öl und Übergröße kosten 3,50 € pro Stück.",
    "L'été dernier, où qu'il allât, le garçon rêvait d'un cœur naïf et d'une île à 20 °C.",
    "Aujourd'hui, c'est déjà l'hiver : la forêt s'éveille, « dit-elle », à peine à midi.",
    "¿Quién pintó el año pasado la pared del corazón? ¡Nadie lo sabrá, señor Ibáñez!",
    "Perché la città è così silenziosa? Nessuno può più cantare fino a domenica 28.",
    "A avó comprou pão, maçãs e três irmãos de cerâmica; não há razão para preocupação.",
    "De reünie begint om half elf, zei oma geëmotioneerd, en 's avonds eten we poffertjes.",
    # Swedish, Norwegian, Finnish, Polish, Czech, Hungarian, Turkish, Romanian, Icelandic
    "Den gamla ångbåten gick över sjön på 45 minuter, fast vinden låg på från öster.",
    "Været på øya er så grått at måkene går i stå; ærlig talt blåser det 17 m/s.",
    "Hyvää yötä, sanoi kettu, ja pöllö lensi järven yli äänettömästi kello 23.59.",
    "Zażółć gęślą jaźń, powiedział sędzia, a źdźbło trawy ugięło się pod świerszczem.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy, než přišla třetí hodina a déšť ustal.",
    "Az öreg kőműves hűvös reggelen fűrészelt, és a tűz mellett őrizte a kulcsait.",
    "İstanbul'da ığdır çiçekleri açtı; öğrenciler şarkı söyleyip çay içtiler, ücreti 75 ₺.",
    "Țăranul și-a vândut boii în târg, însă prețul n-a fost pe măsura așteptărilor.",
    "Þegar snjóaði á fjöllin fóru börnin út að leika sér, æ, þvílíkt veður í október.",
    # Greek, Russian, Ukrainian, Bulgarian, Serbian, Armenian, Georgian
    "Ο παλιός φάρος έσβησε τα μεσάνυχτα· κανείς δεν άκουσε τι είπε ο ναύτης στο λιμάνι.",
    "Старый смотритель ещё не спал: он пересчитал 37 лодок и объяснил подъём воды.",
    "Ґанок їхньої хати виходив до річки, а щоосені там з'являлися журавлі й туман.",
    "Щъркелът пристигна през април и сгъна крилата си върху комина на училището.",
    "Љубичаста џунгла шуми изнад ђердапске клисуре, док њихов чамац чека зору.",
    "Հին ջրաղացպանը արթնացավ վաղ առավոտյան և հաշվեց գետի բոլոր նավակները։",
    "მოხუცი მეზღვაური დილით ადრე ადგა და ზღვას გახედა, სადაც ორი გემი იდგა.",
    # Hebrew, Arabic, Persian, Urdu
    "שומר המגדלור לא ישן כל הלילה; הוא ספר 42 ספינות ושתה תה עם נענע.",
    "שָׁלוֹם לְכֻלָּם, אָמְרָה הַסַּבְתָּא וְהִדְלִיקָה אֶת הָאוֹר.",
    "لم ينم حارس المنارة تلك الليلة، بل عدَّ ٣٥ سفينةً ثم شربَ الشاي بالنعناع.",
    "نگهبان فانوس دریایی نمی‌خوابید؛ او ۱۲ کشتی را شمرد و چای نوشید.",
    "بوڑھا ملاح صبح سویرے اٹھا اور اُس نے دریا کے کنارے ۷ کشتیاں گنیں۔",
    # Hindi, Marathi, Bengali, Tamil, Telugu, Kannada, Malayalam, Gujarati, Punjabi, Sinhala, Nepali
    "बूढ़े नाविक ने सुबह जल्दी उठकर नदी के किनारे २३ नावें गिनीं, फिर क़लम उठाई।",
    "आजीने सकाळी लवकर उठून अंगणात रांगोळी काढली आणि पक्ष्यांना दाणे घातले।",
    "বুড়ো মাঝি ভোরবেলা উঠে নদীর ধারে ১৪টি নৌকা গুনল, তারপর চা খেল।",
    "பழைய கலங்கரை விளக்கின் காவலர் இரவு முழுவதும் தூங்காமல் கப்பல்களை எண்ணினார்.",
    "ముసలి నావికుడు ఉదయాన్నే లేచి నది ఒడ్డున పడవలను లెక్కించాడు.",
    "ಹಳೆಯ ದೀಪಸ್ತಂಭದ ಕಾವಲುಗಾರ ರಾತ್ರಿಯಿಡೀ ಹಡಗುಗಳನ್ನು ಎಣಿಸಿದನು.",
    "പഴയ വിളക്കുമാടത്തിന്റെ കാവൽക്കാരൻ രാത്രി മുഴുവൻ കപ്പലുകൾ എണ്ണി.",
    "ઘરડા નાવિકે વહેલી સવારે ઊઠીને નદી કિનારે હોડીઓ ગણી.",
    "ਬੁੱਢੇ ਮਲਾਹ ਨੇ ਸਵੇਰੇ ਉੱਠ ਕੇ ਦਰਿਆ ਕੰਢੇ ਬੇੜੀਆਂ ਗਿਣੀਆਂ।",
    "මහලු මුරකරු රාත්‍රිය පුරාම නැව් ගණන් කළේය.",
    # Thai, Lao, Khmer, Burmese, Tibetan, Vietnamese, Indonesian, Swahili, Yoruba, Amharic
    "คนเฝ้าประภาคารไม่ได้นอนทั้งคืน เขานับเรือได้ ๒๗ ลำแล้วจึงดื่มน้ำชา",
    "ຊາຍເຖົ້າຕື່ນແຕ່ເຊົ້າ ແລະນັບເຮືອຢູ່ແຄມຂອງ",
    "អ្នកយាមប៉មភ្លើងមិនបានគេងពេញមួយយប់ ហើយរាប់ទូកបាន ១៥។",
    "မီးပြတိုက်စောင့်က တစ်ညလုံး မအိပ်ဘဲ သင်္ဘောတွေကို ရေတွက်ခဲ့တယ်။",
    "རྒན་པོ་དེས་ཞོགས་པ་སྔ་པོར་ལངས་ནས་གྲུ་གཟིངས་བགྲངས།",
    "Người gác hải đăng thức suốt đêm, đếm được 58 chiếc thuyền rồi mới uống trà gừng.",
    "Penjaga mercusuar itu tidak tidur semalaman; ia menghitung 19 perahu di pelabuhan.",
    "Mlinzi wa mnara hakulala usiku kucha, alihesabu mashua ishirini na tatu bandarini.",
    "Ọkùnrin àgbà náà jí ní òwúrọ̀ kùtùkùtù, ó sì ka ọkọ̀ ojú omi mẹ́ta.",
    "የመብራት ቤቱ ጠባቂ ሌሊቱን ሙሉ ሳይተኛ ፲፪ መርከቦችን ቆጠረ።",
    # Chinese (both scripts), Japanese, Korean (composed), Mongolian, Cherokee, Hawaiian
    "灯塔看守人一夜没睡，他数了三十七艘船，然后泡了一壶茶。明天会下雨吗？",
    "燈塔管理員整夜未眠，數了１２艘船，於是寫下《海上日記》第三章。",
    "灯台守は一晩中眠らず、船を２５隻数えてから、お茶を飲んだ。「明日は晴れるでしょうか？」",
    "カタカナとひらがな、ﾊﾝｶｸもまざった文章です。ガギグゲゴ、パピプペポ。",
    "등대지기는 밤새 잠을 이루지 못하고 배 마흔두 척을 세었다. 내일은 비가 올까요?",
    "Хөгшин далайчин өглөө эрт босож, нуурын эрэг дээр есөн завь тоолжээ.",
    "ᎣᏏᏲ ᏙᎯᏧ? ᎤᏬᏚ ᏌᎪᏂᎨ ᎦᎸᎶᎢ.",
    "Ua ala ke kiaʻi ipukukui i ka pō a helu i nā moku he ʻumikūmākahi.",
]

CODE = [
    "def pages(n: int = 256) -> list[int]:\n    return [i * n for i in range(10) if i % 3 != 0]",
    "public static void main(String[] args) throws IOException {\n\t\tvar x = args.length > 0 ? args[0] : \"none\";\n\t}",
    "for (size_t i = 0; i < n; ++i) sum += a[i]*b[i]; // dot product\r\n",
    "<div class=\"page\" data-n='3'><a href=\"/read?id=12&amp;q=x#top\">more…</a></div>",
    "{\"name\": \"lectern\", \"sizes\": [1, 2.5, -3e-7], \"ok\": true, \"none\": null}",
    "SELECT title, COUNT(*) FROM books WHERE year >= 1999 GROUP BY title HAVING COUNT(*) > 2;",
    "git commit -m 'Fix #482' && git push --force-with-lease origin HEAD~3 || exit 1",
    "\\frac{\\partial L}{\\partial w_{ij}} = \\sum_{k=1}^{n} (y_k - \\hat{y}_k)^2",
    "fn main() { let v: Vec<u8> = b\"bytes\".to_vec(); println!(\"{:?}\", &v[..2]); }",
    "0x7fff_ffff  1_000_000  3.14159e+00  0b1010  017  1.e5f  #FF00ff  192.168.0.1:8080",
    "if [ \"$x\" -lt 10 ]; then\n  echo \"${HOME}/bin\" >> ~/.profile\nfi\n\n\n",
    "    \t  indented   with     many spaces        and\ttabs\t\t\tend   ",
]

EMOJI = ["😀", "🎉", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇯🇵", "❤️", "🧑🏿‍🚀", "☕", "🤷‍♀️", "🫠", "🪿", "1️⃣", "✈︎", "©️", "™", "♟️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n ", "\u00a0", "\u3000", "\u2009", "\u2028", "\u0085", "\v", "\f", "\r", "\u1680", "\u202f", " \u00a0 ", "\n \n\t"]
CONTRACTIONS = ["'s", "'S", "'t", "'T", "'re", "'RE", "'rE", "'ve", "'Ve", "'m", "'ll", "'LL", "'lL", "'d", "'D", "'ſ", "’s", "'x", "''s", " 's", "'st", "'r", "'l"]
PUNCTUATION = list("!?.,;:-_()[]{}<>/\\|@#$%^&*+=~`\"'") + ["…", "—", "«", "»", "„", "“", "「", "」", "。", "、", "·", "¿", "§", "€", "±", "≠", "→", "█", "▁", "▁▁", "Ġ", "Ċ", "<0x0A>", "<|", "|>", "</", "<unk", "��"]
DIGITS = ["7", "42", "123", "2026", "1234567890", "٣٤٥", "१२३", "０１２", "²³", "Ⅷ", "½", "①②", "𝟘𝟙𝟚", "๑๒", "1,000.50", "３.14", "〇", "\U00011de3", "𐄇"]
SCRIPTS = [(0x21, 0x7E), (0xA1, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x531, 0x5FF), (0x600, 0x6FF), (0x900, 0xDFF), (0xE00, 0xFFF),
           (0x1000, 0x11FF), (0x1200, 0x1FFF), (0x2000, 0x2BFF), (0x2C00, 0x2FFF), (0x3000, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
           (0xA000, 0xABFF), (0xAC00, 0xD7FF), (0xE000, 0xF8FF), (0xF900, 0xFFFD), (0x10000, 0x10FFF), (0x11000, 0x11FFF), (0x12000, 0x16FFF),
           (0x1B000, 0x1DFFF), (0x1E000, 0x1FAFF), (0x20000, 0x2FA1F), (0xE0000, 0xE01EF), (0x10FF00, 0x10FFFF), (0x0, 0x1F), (0x7F, 0xA0)]


class Lines:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, choices):
        return self.random.choice(choices)

    def slice(self, text, longest):
        start = self.random.randrange(len(text))
        return text[start : start + self.random.randint(1, longest)]

    def sentence(self):
        return self.slice(self.some(SENTENCES), 60)

    def words(self):
        words = [self.some(self.some(SENTENCES).split()) for _ in range(self.random.randint(2, 7))]
        return self.some([" ", " ", "", "  ", "-", "\n"]).join(words)

    def decomposed(self):
        form = self.some(["NFD", "NFD", "NFKD", "NFC"])
        text = unicodedata.normalize(form, self.sentence())
        if self.random.random() < 0.4:
            at = self.random.randrange(len(text) + 1)
            marks = "".join(self.some("\u0301\u0323\u0308\u0327\u0302\u093c\u3099\u1161\u11a8\u0345\u0334\u05b0\u064b") for _ in range(self.random.randint(1, 4)))
            text = text[:at] + marks + text[at:]
        return text

    def mixture(self):
        sources = [EMOJI, SPACES, CONTRACTIONS, PUNCTUATION, DIGITS, ["a", "Read", "über", "東京", "ка", "x1", "مَ", "กา", "é", "I"]]
        return "".join(self.some(self.some(sources)) for _ in range(self.random.randint(2, 12)))

    def code(self):
        return self.slice(self.some(CODE), 60)

    def spaces(self):
        return "".join(self.some(SPACES + ["a", "B", "1", ".", "字"]) * self.random.randint(1, 3) for _ in range(self.random.randint(1, 8)))

    def runs(self):
        return "".join(self.some(["a", "=", " ", "\n", "-", "0", "哈", "!", ".", "é", "😂", "\t", "ab", "1"]) * self.random.randint(1, 24) for _ in range(self.random.randint(1, 3)))

    def script(self):
        low, high = self.some(SCRIPTS)
        text = "".join(chr(self.random.randint(low, high)) for _ in range(self.random.randint(1, 9)))
        return text if self.random.random() < 0.5 else text.replace(text[0], text[0] + " ")

    def controls(self):
        return "".join(chr(self.random.choice([*range(0, 32), 127, *range(128, 160), 0x200B, 0x200D, 0x202E, 0xFEFF, 0xFFFD, 0xFFFE, 0xAD]))
                       + self.some(["", "", "a", " ", "9"]) for _ in range(self.random.randint(1, 10)))

    def damaged(self):
        data = bytearray(self.sentence().encode())
        for _ in range(self.random.randint(1, 4)):
            kind = self.random.random()
            at = self.random.randrange(len(data))
            if kind < 0.4:
                data[at] = self.random.randrange(256)
            elif kind < 0.7:
                del data[at]
                data = data or bytearray(b"\xff")
            else:
                data[at:at] = bytes(self.random.randrange(128, 256) for _ in range(self.random.randint(1, 3)))
        return bytes(data).decode("utf-8", errors="replace")

    def line(self):
        kinds = [self.sentence] * 6 + [self.words] * 4 + [self.decomposed] * 3 + [self.mixture] * 4 + [self.code] * 3
        kinds += [self.spaces, self.runs, self.script, self.script, self.controls, self.damaged, self.damaged]
        text = self.some(kinds)()
        if self.random.random() < 0.1:
            text = self.some([" ", "\n", "  ", "'"]) + text + self.some(["", " ", "\n", "  \n"])
        return text


def main():
    lines = Lines(SEED)
    # Whole sentences and programs first, then the generated ones.
    texts = SENTENCES + CODE + [""]
    while len(texts) < COUNT:
        text = lines.line()
        if not any(spelt in text for spelt in ("<unk>", "<s>", "</s>")):
            texts.append(text)
    data = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()
    with open(sys.argv[1], "wb") as out:
        out.write(gzip.compress(data, 9, mtime=0))
    print(len(texts), "lines,", len(data), "bytes")


if __name__ == "__main__":
    main()
