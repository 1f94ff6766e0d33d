from django.utils.translation import gettext_lazy as _

VERBS = {
    "dataset.loaded": _("Version %(number)s of the dataset %(dataset)s was loaded into the data map"),
    "store.changed": _("The address of the store was changed"),
    "erasure.planned": _(
        "An erasure was planned: %(erase)s rows to erase, %(anonymise)s to anonymise, %(keep)s to keep"
    ),
    "erasure.executed": _("The store %(store)s carried out the plan: %(erased)s erased, %(anonymised)s anonymised"),
    "erasure.searched_again": _("The store %(store)s was searched again: %(unexplained)s rows nobody can explain"),
    "person.searched": _("The data map was searched for a person: %(rows)s rows in %(collections)s collections"),
}
