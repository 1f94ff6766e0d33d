"""The map names the column that says when a method was saved: whoever asks by it finds an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0007_removal_of_one")]
    operations = [
        migrations.AddIndex("paymentmethod", models.Index(fields=["created_at"], name="payment_method_by_saving"))
    ]
