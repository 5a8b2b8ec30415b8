"""Twenty briefs of different kinds, each with the nouns its plan must name."""

BRIEFS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Plan a to-do app for families", ("to-do", "app", "families")),
    (
        "Organise a two-day conference for 120 beekeepers in Ghent with workshops and a honey market",
        ("conference", "beekeepers", "ghent", "workshops", "honey"),
    ),
    ("Find out why customers of our gym leave", ("customers", "gym")),
    ("Teach a beginners' course on Python for retired teachers", ("python", "course", "teachers")),
    ("Reduce food waste in our canteen", ("food", "waste", "canteen")),
    ("We want to raise 50,000 euros for a children's hospice", ("children", "hospice", "50,000")),
    ("A community garden on the roof of our school", ("garden", "roof", "school")),
    ("I want to open a small bakery in Lyon", ("bakery", "lyon")),
    (
        "Migrate our company email from Exchange to Google Workspace within six weeks",
        ("email", "exchange", "workspace"),
    ),
    ("Launch a newsletter about local history", ("newsletter", "history")),
    ("Hire three nurses for our night shift", ("nurses", "night", "shift")),
    ("Dashboard of monthly sales for regional managers", ("dashboard", "sales", "managers")),
    ("Write a cookbook with recipes of my grandmother", ("cookbook", "recipes", "grandmother")),
    ("Help me get fit for a half marathon in 12 weeks", ("marathon",)),
    ("Plan a family trip to Japan in spring with two kids", ("trip", "japan", "family")),
    ("Survey of commuter cycling habits in Utrecht", ("commuter", "cycling", "utrecht")),
    ("Onboarding process for new volunteers at an animal shelter", ("onboarding", "volunteers", "shelter")),
    (
        (
            "Build a mobile app that tracks medication for elderly patients. It must remind them of doses "
            "and share a log with the doctor."
        ),
        ("medication", "patients", "doses", "doctor"),
    ),
    ("Book club for seniors", ("book", "club", "seniors")),
    ("Automate invoice approvals in our accounting department", ("invoice", "accounting")),
)
