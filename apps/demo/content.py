"""What is said on the sample platform: short conversations in several languages, rendered once and used often."""

from __future__ import annotations

import random
from typing import NamedTuple

OUT = True
IN = False


class Turn(NamedTuple):
    is_outbound: bool
    delay: int  # seconds after the turn before
    body: str


Conversation = tuple[Turn, ...]

# (outbound?, seconds since the turn before, words with {code}, {time} and {amount})
SCRIPTS: dict[str, tuple[tuple[tuple[bool, int, str], ...], ...]] = {
    "en": (
        ((OUT, 0, "Your code is {code}. It works for ten minutes. Never share it."),),
        (
            (OUT, 0, "Your parcel {code} arrives today around {time}. Will you be in?"),
            (IN, 340, "Yes, I am home"),
            (OUT, 20, "Thank you. The driver is on the way."),
            (OUT, 9_800, "Delivered. Enjoy!"),
        ),
        (
            (OUT, 0, "Reminder: your appointment is tomorrow at {time}. Reply MOVE to change it."),
            (IN, 1_900, "MOVE"),
            (OUT, 15, "No problem. Is Thursday at {time} good?"),
            (IN, 410, "Thursday is fine, thanks 👍"),
            (OUT, 12, "Booked."),
        ),
        (
            (IN, 0, "Hello, order {code} came without the charger"),
            (OUT, 95, "Sorry about that! We send one today."),
            (IN, 60, "Great, thank you"),
            (OUT, 30, "You are welcome. Anything else?"),
            (IN, 45, "No, that was it"),
        ),
    ),
    "nl": (
        ((OUT, 0, "Je code is {code}. Deel hem met niemand."),),
        (
            (OUT, 0, "Je pakket {code} komt vandaag rond {time}. Ben je thuis?"),
            (IN, 500, "Ja hoor, tot straks"),
            (OUT, 25, "Fijn, de bezorger is onderweg."),
        ),
        (
            (OUT, 0, "De factuur van € {amount} staat nog open. Wil je een betaallink?"),
            (IN, 3_000, "Ja graag"),
            (OUT, 20, "Hier is hij: https://pay.example/{code}"),
            (IN, 700, "Betaald"),
            (OUT, 18, "Dank je wel!"),
        ),
    ),
    "de": (
        ((OUT, 0, "Ihr Bestätigungscode lautet {code}."),),
        (
            (OUT, 0, "Ihr Tisch ist für {time} Uhr reserviert. Bleibt es dabei?"),
            (IN, 880, "Ja, wir sind vier Personen"),
            (OUT, 40, "Wunderbar, bis später!"),
        ),
        (
            (IN, 0, "Guten Tag, meine Rechnung über {amount} € stimmt nicht"),
            (OUT, 150, "Das tut uns leid. Wir prüfen es."),
            (OUT, 5_400, "Sie haben recht, die Korrektur ist unterwegs."),
            (IN, 300, "Danke für die schnelle Hilfe"),
        ),
    ),
    "fr": (
        ((OUT, 0, "Votre code est {code}. Ne le communiquez à personne."),),
        (
            (OUT, 0, "Votre colis {code} sera livré vers {time}. Serez-vous là ?"),
            (IN, 620, "Oui, sonnez deux fois"),
            (OUT, 30, "C’est noté. À tout à l’heure !"),
        ),
        (
            (OUT, 0, "Votre rendez-vous est confirmé à {time}."),
            (IN, 2_400, "Puis-je venir à l’heure d’après ?"),
            (OUT, 60, "Bien sûr, c’est modifié."),
            (IN, 80, "Merci beaucoup"),
        ),
    ),
    "ar": (
        ((OUT, 0, "رمز التحقق الخاص بك هو {code}. لا تشاركه مع أحد."),),
        (
            (OUT, 0, "طلبك رقم {code} سيصل اليوم حوالي {time}. هل أنت في المنزل؟"),
            (IN, 450, "نعم، أنا في الانتظار"),
            (OUT, 30, "شكرًا لك، السائق في الطريق."),
        ),
        (
            (IN, 0, "مرحبًا، لم يصل طلبي بعد"),
            (OUT, 120, "نعتذر عن التأخير، نتحقق الآن."),
            (OUT, 900, "سيصل قبل الساعة {time}."),
            (IN, 60, "شكرًا جزيلًا"),
        ),
    ),
    "zh": (
        ((OUT, 0, "您的验证码是 {code}，十分钟内有效，请勿告诉他人。"),),
        (
            (OUT, 0, "您的包裹 {code} 预计今天 {time} 送达，您在家吗？"),
            (IN, 380, "在的，谢谢"),
            (OUT, 20, "好的，快递员已出发。"),
        ),
        (
            (OUT, 0, "提醒：您明天 {time} 有预约。"),
            (IN, 1_500, "可以改到后天吗？"),
            (OUT, 45, "可以，已为您改好。"),
            (IN, 30, "太好了"),
        ),
    ),
    "el": (
        ((OUT, 0, "Ο κωδικός σας είναι {code}."),),
        (
            (OUT, 0, "Η παραγγελία {code} φτάνει σήμερα γύρω στις {time}."),
            (IN, 700, "Τέλεια, ευχαριστώ"),
            (OUT, 35, "Καλή σας μέρα!"),
        ),
    ),
    "uk": (
        ((OUT, 0, "Ваш код: {code}. Нікому його не повідомляйте."),),
        (
            (OUT, 0, "Ваше замовлення {code} прибуде близько {time}. Ви вдома?"),
            (IN, 520, "Так, чекаю"),
            (OUT, 25, "Дякуємо! Кур’єр уже в дорозі."),
        ),
    ),
}

SUBJECTS = {
    "en": ("Your order {code}", "Your appointment at {time}", "How did we do?"),
    "nl": ("Je bestelling {code}", "Je afspraak om {time}", "Hoe hebben we het gedaan?"),
    "de": ("Ihre Bestellung {code}", "Ihr Termin um {time}", "Wie waren wir?"),
    "fr": ("Votre commande {code}", "Votre rendez-vous à {time}", "Votre avis compte"),
    "ar": ("طلبك رقم {code}", "موعدك الساعة {time}", "كيف كانت خدمتنا؟"),
    "zh": ("您的订单 {code}", "您 {time} 的预约", "请评价我们的服务"),
    "el": ("Η παραγγελία σας {code}", "Το ραντεβού σας στις {time}", "Πώς τα πήγαμε;"),
    "uk": ("Ваше замовлення {code}", "Ваш запис на {time}", "Як ми впоралися?"),
}

TRANSCRIPTS = (
    "Agent: good morning, how can I help? Caller: I would like to move my delivery. Agent: of course.",
    "Agent: goedemiddag. Beller: ik bel over mijn factuur. Agent: ik kijk even met u mee.",
    "Agent: Guten Tag. Anrufer: Mein Paket ist beschädigt. Agent: Das tut mir leid, wir senden ein neues.",
    "الموظف: صباح الخير. المتصل: أريد تغيير عنوان التوصيل. الموظف: بكل سرور.",
    "客服：您好。来电者：我想查询订单。客服：好的，请稍等。",
)


def make_conversations(rng: random.Random, variants: int) -> dict[str, list[Conversation]]:
    """For each language its scripts, each in `variants` renderings."""
    return {
        language: [_render(script, rng) for script in scripts for _ in range(variants)]
        for language, scripts in SCRIPTS.items()
    }


def make_subjects(rng: random.Random, variants: int) -> dict[str, list[str]]:
    """For each language its subject lines, each in `variants` renderings."""
    return {
        language: [subject.format(**_words(rng)) for subject in subjects for _ in range(variants)]
        for language, subjects in SUBJECTS.items()
    }


def _render(script: tuple[tuple[bool, int, str], ...], rng: random.Random) -> Conversation:
    words = _words(rng)
    return tuple(
        Turn(outbound, delay and delay + rng.randrange(60), text.format(**words)) for outbound, delay, text in script
    )


def _words(rng: random.Random) -> dict[str, str]:
    return {
        "code": f"{rng.randrange(100_000, 1_000_000)}",
        "time": f"{rng.randrange(8, 20):02d}:{rng.choice(('00', '15', '30', '45'))}",
        "amount": f"{rng.randrange(10, 300)}.{rng.randrange(100):02d}",
    }
