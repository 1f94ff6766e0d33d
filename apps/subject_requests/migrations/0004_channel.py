"""How a request reached us. Those that are there came in on the portal: there was no other way."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subject_requests", "0003_follow_ups")]

    operations = [
        migrations.AddField(
            model_name="subjectrequest",
            name="channel",
            field=models.CharField(
                choices=[
                    ("dashboard", "Signed in on the portal"),
                    ("api", "Through the API"),
                    ("form", "Public form"),
                    ("email", "E-mail"),
                    ("post", "Letter by post"),
                ],
                default="dashboard",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="subjectrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__in", ["dashboard", "api", "form", "email", "post"])),
                name="request_channel_known",
            ),
        ),
    ]
