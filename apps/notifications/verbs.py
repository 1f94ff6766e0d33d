from django.utils.translation import gettext_lazy as _

VERBS = {
    "notification.delivered": _("The message %(template)s was delivered"),
    "notification.given_up": _("The message %(template)s could not be delivered (%(error)s)"),
}
