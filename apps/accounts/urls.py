from django.urls import include, path

from apps.accounts.views import own, people, signed_in, step_up, team, tokens

urlpatterns = [
    path("language/", own.switch_language, name="set_language"),
    path("account/", own.settings, name="account_settings"),
    path("account/step-up/", step_up.step_up, name="account_step_up"),
    path("account/invitations/<uuid:pk>/accept/", own.accept, name="account_accept"),
    path("account/team/<uuid:pk>/", team.team, name="account_team"),
    path("account/team/<uuid:pk>/members/<uuid:member>/role/", team.member_role, name="account_member_role"),
    path("account/team/<uuid:pk>/members/<uuid:member>/remove/", team.member_remove, name="account_member_remove"),
    path(
        "account/team/<uuid:pk>/invitations/<uuid:invitation>/withdraw/",
        team.invitation_withdraw,
        name="account_invitation_withdraw",
    ),
    path("account/tokens/<uuid:pk>/", tokens.tokens, name="account_tokens"),
    path("account/tokens/<uuid:pk>/new/", tokens.token_new, name="account_token_new"),
    path("account/tokens/<uuid:pk>/<uuid:token>/revoke/", tokens.token_revoke, name="account_token_revoke"),
    path("account/sessions/", signed_in.signed_in, name="usersessions_list"),
    path("account/sessions/end/", signed_in.end_others, name="usersessions_end"),
    path("account/", include("allauth.urls")),
    path("registers/people/", people.people, name="people"),
    path("registers/people/grant/", people.grant, name="people_grant"),
    path("registers/people/<uuid:pk>/revoke/", people.revoke, name="people_revoke"),
    path("registers/people/<uuid:pk>/access/", people.access, name="people_access"),
]
