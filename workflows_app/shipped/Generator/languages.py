"""What the brief's reader knows of languages: words that carry no subject, and how to say what it cannot do.

Rule: data and lookups only; the reader in `brief` decides.
"""

import re

STOPWORDS: dict[str, frozenset[str]] = {
    "English": frozenset(
        "a an the and or but of for to in on at by with from as is are was were be been it its this that these those "
        "we our us you your i my me they their them he she his her who whom which what when where why how can could "
        "should would will shall may might must have has had do does did not no so if then than there here about into "
        "over under up out all any each every some more most other such only own same very just also "
        "too per via".split()
    ),
    "German": frozenset(
        "der die das den dem des ein eine einen einem einer eines und oder aber für mit von zu zum zur im in am an auf "
        "aus bei nach ist sind war wir unser unsere ich mein meine du sie er es wie was wer wo nicht auch soll sollen "
        "kann können muss möchte wollen über unter durch bitte".split()
    ),
    "French": frozenset(
        "le la les un une des du de et ou mais pour avec dans sur sous par au aux est sont nous notre "
        "nos je mon ma mes "
        "vous votre il elle ils elles ce cette ces qui que quoi où comment ne pas plus doit peut veux voudrais".split()
    ),
    "Spanish": frozenset(
        "el la los las un una unos unas y o pero para con de del en por sobre es son nuestro nuestra mi mis tu su sus "
        "yo nosotros que quien cómo dónde no más debe puede quiero queremos necesito necesitamos al".split()
    ),
    "Italian": frozenset(
        "il lo la i gli le un uno una e o ma per con di del della dei in su da è sono nostro nostra mio mia che chi "
        "come dove non più deve può voglio vorrei vogliamo al alla".split()
    ),
    "Portuguese": frozenset(
        "o a os as um uma e ou mas para com de do da dos das em no na por sobre é são nosso nossa meu minha que quem "
        "como onde não mais deve pode quero queremos preciso precisamos ao".split()
    ),
    "Dutch": frozenset(
        "de het een en of maar voor met van naar in op aan uit bij is zijn wij we ons onze ik mijn jij je hij zij wat "
        "wie waar hoe niet ook moet kan wil willen over onder door graag".split()
    ),
}

LEADS: dict[str, str] = {
    "German": r"(bitte|hilf mir|ich (möchte|will|brauche)|wir (möchten|wollen|brauchen)|plane|plant|planen|erstelle|"
    r"erstellen|entwickle|entwickeln|baue|bauen|organisiere|organisieren|einen? plan für)",
    "French": r"(s'il vous plaît|aidez?-moi à|je (veux|voudrais)|nous (voulons|voudrions)|planifie[rz]?|crée[rz]?|"
    r"développe[rz]?|organise[rz]?|prépare[rz]?|un plan pour)",
    "Spanish": r"(por favor|ayúdame a|quiero|queremos|necesito|necesitamos|planifica|planificar|planear|crea|crear|"
    r"desarrolla|desarrollar|organiza|organizar|un plan para)",
    "Italian": r"(per favore|aiutami a|voglio|vorrei|vogliamo|pianifica|pianificare|crea|creare|sviluppa|sviluppare|"
    r"organizza|organizzare|un piano per)",
    "Portuguese": r"(por favor|quero|queremos|preciso|precisamos|planeje|planejar|crie|criar|desenvolva|desenvolver|"
    r"organize|organizar|um plano para)",
    "Dutch": r"(alsjeblieft|help me|ik wil|wij? willen|plan|plannen|maak|maken|bouw|bouwen|organiseer|organiseren|"
    r"een plan voor)",
}

FOR_WORDS = {
    "German": "für",
    "French": "pour",
    "Spanish": "para",
    "Italian": "per",
    "Portuguese": "para",
    "Dutch": "voor",
}
WITH_WORDS = {
    "German": "mit",
    "French": "avec",
    "Spanish": "con",
    "Italian": "con",
    "Portuguese": "com",
    "Dutch": "met",
}

NOTES: dict[str, str] = {
    "German": "Ihr Auftrag ist auf Deutsch; ohne Sprachmodell plane ich auf Englisch und behalte Ihre Begriffe bei.",
    "French": "Votre demande est en français ; sans modèle de langue je planifie en anglais et garde vos mots.",
    "Spanish": "Su encargo está en español; sin un modelo de lenguaje planifico en inglés y conservo sus palabras.",
    "Italian": "La richiesta è in italiano; senza un modello linguistico pianifico in inglese e tengo le sue parole.",
    "Portuguese": (
        "O pedido está em português; sem um modelo de linguagem planejo em inglês e mantenho as suas palavras."
    ),
    "Dutch": "Uw opdracht is in het Nederlands; zonder taalmodel plan ik in het Engels en behoud ik uw woorden.",
}

_SCRIPTS = (
    (re.compile(r"[\u3040-\u30ff]"), "Japanese"),
    (re.compile(r"[\uac00-\ud7af]"), "Korean"),
    (re.compile(r"[\u4e00-\u9fff]"), "Chinese"),
    (re.compile(r"[\u0400-\u04ff]"), "a language in Cyrillic script"),
    (re.compile(r"[\u0600-\u06ff]"), "Arabic script"),
    (re.compile(r"[\u0590-\u05ff]"), "Hebrew"),
    (re.compile(r"[\u0370-\u03ff]"), "Greek"),
    (re.compile(r"[\u0900-\u097f]"), "Hindi"),
    (re.compile(r"[\u0e00-\u0e7f]"), "Thai"),
)


def language_of(text: str) -> str:
    """The language ``text`` is most likely in; English where nothing speaks against it."""
    letters = sum(1 for c in text if c.isalpha()) or 1
    for pattern, name in _SCRIPTS:
        if len(pattern.findall(text)) / letters > 0.2:
            return name
    words = re.findall(r"[^\W\d_][\w'-]*", text.lower())[:300]
    hits = {name: sum(1 for word in words if word in stop) for name, stop in STOPWORDS.items()}
    best = max(hits, key=lambda name: hits[name])
    if best != "English" and hits[best] > hits["English"] and (hits[best] >= 2 or len(words) <= 6):
        return best
    return "English"


def language_note(language: str) -> str:
    """One or two sentences on what happens to a brief in ``language``; empty for English."""
    if language == "English":
        return ""
    own = NOTES.get(language)
    said = f"Your brief reads as {language}; without a language model I plan in English and keep your own words."
    return f"{said} {own}" if own else said
