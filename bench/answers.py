"""Texts that a model might give, to break in the middle: many forms and languages."""

from __future__ import annotations

import json
import unicodedata
from random import Random

__all__ = ["OTHERS", "REPEATING", "TEXTS"]

_DICE = Random(31)

BREAD = """# A loaf for beginners

You need very little: flour, water, salt and time. The recipe below makes *one* loaf.

## What you need

* 500 g of strong flour
* 350 g of water, about 25 °C
* 10 g of salt (two level teaspoons)
* 3 g of dry yeast

## How it's done

1. Mix everything until no dry flour is left. It will be sticky - that's fine.
2. Cover the bowl and wait for an hour; the dough should grow by half.
3. Fold it four times, turn it over, and wait again.
4. Heat the oven to 240 °C with an iron pot in it.
5. Bake the loaf for 30 minutes with the lid on, then for 15 without.

> **Note:** let it cool before you cut it. "Warm bread" sounds nice, but it's gummy.

If the crust is too pale, your oven isn't as hot as it claims. If the crumb is dense,
the dough didn't rest long enough; weigh the water, too, since a cup is not a cup.
"""

QUEUES = """A queue decouples the part that produces work from the part that does it. In
Python, `asyncio.Queue` is bounded when you pass `maxsize`:

```python
queue: asyncio.Queue[int] = asyncio.Queue(maxsize=100)

async def produce() -> None:
    for number in range(1_000):
        await queue.put(number)      # waits while the queue is full
    await queue.put(-1)

async def consume() -> None:
    while (number := await queue.get()) >= 0:
        print(number * number)
```

Without a bound, a slow consumer fills the memory. With one, `put` waits, and so the
producer slows down by itself; that's called *back-pressure*. Use `put_nowait` only if
you handle `QueueFull`, e.g. by dropping the oldest item:

```python
try:
    queue.put_nowait(item)
except asyncio.QueueFull:
    queue.get_nowait()
    queue.put_nowait(item)
```

JavaScript has nothing of the kind in its standard library, but TypeScript users often
write a small class around an array, and GitHub has dozens of them.
"""

C_CODE = """/* Count the words of a file. */
#include <ctype.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    FILE *in = argc > 1 ? fopen(argv[1], "r") : stdin;
    if (in == NULL) {
        perror(argv[1]);
        return 1;
    }
    long words = 0;
    int c, inside = 0;
    while ((c = getc(in)) != EOF) {
        if (isspace(c)) {
            inside = 0;
        } else if (!inside) {
            inside = 1;
            ++words;
        }
    }
    printf("%ld words\\n", words);
    return fclose(in) == 0 ? 0 : 1;
}
"""

SQL = """CREATE TABLE orders (
    id        INTEGER PRIMARY KEY,
    customer  TEXT NOT NULL,
    placed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    total     NUMERIC(10, 2) CHECK (total >= 0)
);

SELECT customer, COUNT(*) AS orders, SUM(total) AS spent
FROM orders
WHERE placed_at >= DATE '2024-01-01'
GROUP BY customer
HAVING SUM(total) > 1000
ORDER BY spent DESC;
"""

HTML = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Opening hours</title>
  </head>
  <body>
    <h1>Opening hours</h1>
    <ul class="hours">
      <li>Monday to Friday: 9 to 17</li>
      <li>Saturday: 10 to 14</li>
      <li>Sunday: closed</li>
    </ul>
    <p>Call <a href="tel:+4930123456">+49 30 123456</a> if you're late.</p>
  </body>
</html>
"""

TALK = """ANNA: Did you lock the shed?
BEN: I thought that you did.
ANNA: I asked you twice, and you said yes twice.
BEN: I said "yes, in a minute". That is not the same.
ANNA: So it's open, and it's raining, and the bicycles are in there.
BEN: The bicycles will survive the rain. The neighbours' cat won't survive the dog.
ANNA: What dog?
BEN: The one that I left in there, so that nobody would take the bicycles.
"""

SONG = """The river runs, the river bends,
It never asks where it began;
It carries leaves and letters home,
It carries off what no one can.

   Oh row, my love, oh row with me,
   The tide is turning out to sea.

The ferryman is old and deaf,
He counts his coins, he counts the bells;
He knows the price of every shore
And what the drowned man never tells.

   Oh row, my love, oh row with me,
   The tide is turning out to sea.
"""

LATEX = r"""Let $f$ be continuous on $[a, b]$. Then $F(x) = \int_a^x f(t)\,dt$ is differentiable
and $F'(x) = f(x)$. For the proof, take $h > 0$ and write
\[
  \frac{F(x+h) - F(x)}{h} = \frac{1}{h} \int_x^{x+h} f(t)\,dt.
\]
By the mean value theorem the right side equals $f(\xi)$ for some $\xi \in [x, x+h]$, and
$f(\xi) \to f(x)$ as $h \to 0$. The case $h < 0$ is the same. $\blacksquare$
"""

GERMAN = """Die Weiche lenkt den Zug von einem Gleis auf ein anderes, ohne dass er anhält.
Ihre Zungen werden von einem Motor oder von Hand bewegt; ein Verschluss hält sie fest,
solange ein Zug darüberfährt. Im Winter müssen die Weichen geheizt werden, denn schon
ein wenig Eis zwischen Zunge und Schiene genügt, und nichts geht mehr. Größere Bahnhöfe
haben mehrere hundert davon. Gestellt werden sie heute vom Stellwerk aus, oft über viele
Kilometer hinweg: Ein Mausklick, und zwei Sekunden später meldet die Weiche ihre neue
Lage zurück.
"""

SPANISH = """La tortilla española lleva solo patatas, huevos, aceite y sal. ¿Con cebolla o
sin cebolla? Sobre eso discuten familias enteras. Se pelan las patatas, se cortan en
láminas finas y se fríen a fuego lento hasta que estén blandas, pero no doradas. Después
se mezclan con los huevos batidos y se dejan reposar diez minutos. La sartén debe estar
muy caliente; se vierte la mezcla, se baja el fuego y, cuando cuaje por debajo, se le da
la vuelta con un plato. ¡Cuidado con el aceite!
"""

POLISH = """Zwrotnica pozwala skierować pociąg na inny tor bez zatrzymywania. Składa się z
iglic, opornic i krzyżownicy, a jej położenie musi być zgodne ze wskazaniem semafora.
Dawniej przestawiano ją ręcznie; dziś robi to silnik, którym steruje komputer w nastawni.
Zimą zwrotnice są ogrzewane, ponieważ nawet cienka warstwa lodu może je zablokować.
"""

GREEK = """Το τρένο φεύγει στις επτά το πρωί και φτάνει λίγο πριν το μεσημέρι. Στη διαδρομή
σταματά σε τρεις σταθμούς, όπου μπορεί κανείς να αγοράσει καφέ και κουλούρια. Τα
εισιτήρια είναι καλύτερα να κλείνονται από πριν, γιατί το καλοκαίρι δεν βρίσκονται θέσεις.
"""

TURKISH = """Çay, sabahları evde ilk içilen şeydir. Suyu kaynatıp demliğe dökmek yetmez;
demlenmesi için en az on beş dakika beklemek gerekir. İnce belli bardakta içilir, yanına
iki küp şeker konur. Misafir bardağını ters çevirmedikçe çay gelmeye devam eder.
"""

VIETNAMESE = unicodedata.normalize(
    "NFD",
    """Phở là món ăn truyền thống của Việt Nam. Nước dùng được ninh từ xương bò trong
nhiều giờ, thêm gừng nướng, hành, quế và hoa hồi. Bánh phở mềm, thịt thái mỏng, rau
thơm và chanh được bày riêng để mỗi người tự thêm vào theo ý thích của mình.""",
)

JAPANESE = """分岐器は、列車をある線路から別の線路へ導くための設備です。先端のトングレールが左右に動き、
車輪の進む向きを変えます。冬には雪や氷で動かなくなることがあるので、電気やガスで温めます。駅の構内には
何十台も並んでいて、信号所から遠隔で操作されます。"""

CHINESE = """豆腐的做法并不复杂：先把黄豆泡一夜，磨成豆浆，煮开以后加入石膏水，慢慢搅拌，等它凝固。
然后倒进铺着纱布的木盒里，盖上盖子，压出多余的水分。压得越久，豆腐越结实。刚做好的豆腐
最香，配一点酱油和葱花就很好吃。"""

ARABIC = """ينطلق القطار في السابعة صباحا ويصل قبيل الظهر. يتوقف في ثلاث محطات يمكن فيها شراء
الشاي والكعك. من الأفضل حجز التذاكر مسبقا لأن المقاعد نادرة في الصيف، أما في الشتاء فالعربات
شبه فارغة والمدافئ لا تعمل دائما."""

HINDI = """रेल की पटरी बदलने के लिए काँटे का उपयोग होता है। पहले इसे हाथ से खींचा जाता था, अब बिजली की मोटर
यह काम करती है। सर्दियों में इसे गरम रखना पड़ता है, क्योंकि थोड़ी सी बर्फ़ भी इसे जाम कर सकती है।"""

EMOJI = """Packing list 🎒 for two days:

- 🧥 rain jacket (really, it's Scotland 🏴󠁧󠁢󠁳󠁣󠁴󠁿)
- 🧦 three pairs of socks
- 👩‍🚀 no space suit needed 😄
- ☕️ a flask, because cafés close at five
- 🔦 torch + batteries

Have fun!! 🎉🎉 Don't forget the map 🗺️ - phones die in the cold 🥶 and 4️⃣G is a rumour.
"""

WINDOWS = """To set the path on Windows:

1. Open *Settings*, then *System* and *About*.
2. Choose "Advanced system settings".
3. Add C:\\Tools\\bin to Path, and confirm twice.

Then open a new console, since the old one keeps the old value:

    C:\\> where rg
    C:\\Tools\\bin\\rg.exe
""".replace("\n", "\r\n")

SHORT = [
    "Paris is the capital of France, and has been for most of the last 1,500 years.",
    "No. It's forbidden in Germany, Austria and Switzerland alike.",
    "def double(x):\n    return x * 2  # that's all",
    "I'd say 3.14159, but ask the NASA people; they use fifteen digits.",
    "Ja, aber nur sonntags zwischen zehn und zwölf Uhr.",
]

JSON_TEXT = json.dumps(
    {
        f"sensor-{number}": {
            "value": _DICE.randint(100, 999) / 10,
            "unit": _DICE.choice(["C", "hPa", "%"]),
            "ok": _DICE.random() < 0.8,
        }
        for number in range(12)
    },
    indent=2,
)

TIMETABLE = "Line   Stop             Arrives  Leaves\n" + "".join(
    f"S{line}     {stop:<15}  {hour:02d}:{line * 7 + 3:02d}    {hour:02d}:{line * 7 + 4:02d}\n"
    for hour in range(6, 12)
    for line, stop in ((1, "Harbour"), (3, "Old Mill"), (5, "North Gate"))
)

MARKDOWN_TABLE = "| Country | Capital | People (m) |\n|:--|:-:|--:|\n" + "".join(
    f"| {country} | **{capital}** | {_DICE.randint(1, 90)}.{_DICE.randint(0, 9)} |\n"
    for country, capital in (
        ("Norway", "Oslo"),
        ("Portugal", "Lisbon"),
        ("Kenya", "Nairobi"),
        ("Chile", "Santiago"),
        ("Nepal", "Kathmandu"),
        ("Canada", "Ottawa"),
        ("Ghana", "Accra"),
    )
)

SERVER_LOG = "".join(
    f"2024-03-{day:02d}T{_DICE.randint(0, 23):02d}:{_DICE.randint(0, 59):02d} "
    f"{_DICE.choice(['INFO', 'WARN', 'DEBUG'])} worker-{_DICE.randint(1, 4)} "
    f"handled {_DICE.randint(1, 400)} jobs in {_DICE.randint(10, 900)} ms\n"
    for day in range(1, 25)
)

PRIMES = ", ".join(
    str(n) for n in range(2, 900) if all(n % d for d in range(2, int(n**0.5) + 1))
)

TEXTS: dict[str, list[str]] = {
    "chat": [BREAD, QUEUES],
    "code": [C_CODE, SQL, HTML],
    "data": [JSON_TEXT, TIMETABLE, MARKDOWN_TABLE, SERVER_LOG, PRIMES],
    "talk": [TALK, SONG],
    "formulas": [LATEX],
    "europe": [GERMAN, SPANISH, POLISH, GREEK, TURKISH],
    "world": [JAPANESE, CHINESE, ARABIC, HINDI, VIETNAMESE],
    "emoji": [EMOJI],
    "windows": [WINDOWS],
    "short": SHORT,
}

REPEATING = [
    "0,0,0,1\n" + "0,0,0,0\n" * 80,
    "-" * 500,
    "La la la, " * 90,
    "ha" * 200,
    "= " * 300,
    "id\tname\n" + "7\tnone\n" * 70,
    "Row, row, row your boat.\n" * 24,
    "🙂" * 150,
    "\\ \\ " * 120,
    "no no no no " * 60 + "yes",
    "哈" * 120,
]

OTHERS = [
    "Hello! How can I help you today? Tell me what you are working on.",
    "# Answer\n\nThere are three ways to do this, and all of them take a while.\n",
    "### Übersicht\n\n- Erstens: alles ist anders.\n- Zweitens: nichts ist neu.\n",
    "Die Antwort hängt davon ab, welches Betriebssystem Sie verwenden. Unter Linux geht es so.",
    "Le train part à sept heures. Il arrive vers midi, s'il n'y a pas de neige.",
    "Ответ зависит от того, что вы имеете в виду. Обычно говорят о двух случаях.",
    "I cannot see any earlier message. Please paste the text that you mean.",
    "1. Open the settings of the router.\n2. Look for the list of devices.\n3. Remove yours.\n",
    "**Short answer:** it depends on the weather and on the state of the road.",
    '```json\n{"status": "ok", "items": []}\n```\n',
    "- First of all, check the cable.\n- Then check the plug at the other end.\n",
    "很抱歉，我没有看到之前的内容。请您把问题再发送一次。",
    "Once upon a time there was a miller who had three sons and one donkey.",
]
