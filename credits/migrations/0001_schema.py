"""The way from a merged pull request to recognised credit: the tables, room by room.

The columns are in the order in which earlier migrations added them, so that every database has the same tables.
"""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("credits", "0001_initial"),
        ("credits", "0005_the_same_work_once"),
        ("credits", "0007_what_was_told_last"),
        ("credits", "0008_longer_codes_of_batches"),
        ("credits", "0010_simulations_and_drafts"),
        ("credits", "0011_jobs_that_are_held"),
        ("credits", "0012_who_wrote_the_branch"),
    ]

    dependencies = [
        ("accounts", "0001_schema"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Jobs: what is due, who has it, and which forge rests.
        migrations.CreateModel(
            name="Lane",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, unique=True)),
                ("closed_until", models.DateTimeField(blank=True, null=True)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=200)),
                ("lane", models.CharField(max_length=40)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("holder", models.UUIDField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.TextField(blank=True)),
                ("progress", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["kind", "lane", "due_at"], name="job_due"),
                    models.Index(
                        condition=models.Q(("holder__isnull", False)),
                        fields=["kind", "lane"],
                        name="job_held",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("kind", "key"), name="job_stands_once")],
            },
        ),
        # Ledger.
        migrations.CreateModel(
            name="CreditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.BigIntegerField(unique=True)),
                (
                    "kind",
                    models.CharField(choices=[("posted", "Posted"), ("reversed", "Reversed")], max_length=10),
                ),
                ("student_number", models.CharField(max_length=40)),
                ("category", models.CharField(max_length=60)),
                ("term", models.CharField(max_length=40)),
                ("credit", models.DecimalField(decimal_places=2, max_digits=6)),
                ("reference", models.CharField(max_length=100)),
                ("details", models.JSONField(default=dict)),
                ("posted_at", models.DateTimeField()),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64, unique=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_entries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "posted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="credits.creditentry",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "indexes": [models.Index(fields=["person", "category"], name="entry_of_person")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "posted")),
                        fields=("reference",),
                        name="reference_posted_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("credit__gt", 0), ("kind", "posted"), ("reverses", None)),
                            models.Q(("credit__lt", 0), ("kind", "reversed"), ("reverses__isnull", False)),
                            _connector="OR",
                        ),
                        name="entry_posts_or_reverses",
                    ),
                ],
            },
        ),
        # Rulebooks.
        migrations.CreateModel(
            name="Rulebook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=60, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="RulebookVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "proposed"),
                            ("published", "published"),
                            ("retired", "retired"),
                        ],
                        default="proposed",
                        max_length=20,
                    ),
                ),
                ("title_zh", models.CharField(max_length=200)),
                ("title_en", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("canonical", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("proposed_at", models.DateTimeField()),
                ("published_at", models.DateTimeField(null=True)),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rulebook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="credits.rulebook",
                    ),
                ),
            ],
            options={
                "ordering": ["rulebook", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("rulebook", "number"), name="version_numbered_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "proposed")),
                        fields=("rulebook",),
                        name="one_proposal_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("published_by", None),
                            models.Q(("published_by", models.F("proposed_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="published_by_a_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("published_at", None), ("published_by", None), ("status", "proposed")),
                            models.Q(
                                models.Q(("status", "proposed"), _negated=True),
                                ("published_at__isnull", False),
                                ("published_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="published_has_a_publisher",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RulebookDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("text", models.TextField(blank=True)),
                ("example", models.CharField(blank=True, max_length=80)),
                ("written_in", models.CharField(blank=True, max_length=40)),
                ("saved_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rulebook_drafts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-saved_at", "-pk"],
            },
        ),
        # Contributions.
        migrations.CreateModel(
            name="Repository",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("forge", models.CharField(max_length=20)),
                ("forge_id", models.CharField(max_length=64)),
                ("full_name", models.CharField(max_length=255)),
                ("url", models.URLField(max_length=500)),
                ("owner_id_on_forge", models.CharField(blank=True, max_length=64)),
                ("owner_login", models.CharField(blank=True, max_length=100)),
                ("stars", models.PositiveIntegerField(null=True)),
                ("licence", models.CharField(max_length=60, null=True)),
                ("language", models.CharField(max_length=60, null=True)),
                ("is_fork", models.BooleanField(null=True)),
                ("is_mirror", models.BooleanField(null=True)),
                ("is_archived", models.BooleanField(null=True)),
                ("seen_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "repositories",
                "indexes": [models.Index(fields=["forge", "full_name"], name="repository_by_name")],
                "constraints": [
                    models.UniqueConstraint(fields=("forge", "forge_id"), name="repository_stored_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="CatalogueEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("forge", models.CharField(max_length=20)),
                ("full_name", models.CharField(max_length=255)),
                ("forge_id", models.CharField(blank=True, max_length=64)),
                ("tier", models.CharField(max_length=40)),
            ],
            options={
                "verbose_name_plural": "catalogue entries",
                "ordering": ["forge", "full_name"],
                "constraints": [
                    models.UniqueConstraint(fields=("forge", "full_name"), name="catalogue_names_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("forge_id", ""), _negated=True),
                        fields=("forge", "forge_id"),
                        name="catalogue_holds_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CollectionState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cursor", models.TextField(blank=True)),
                ("complete_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.TextField(blank=True)),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="collection",
                        to="accounts.forgeaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Contribution",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("pull_request", "pull request"), ("review", "review"), ("issue", "issue")],
                        max_length=20,
                    ),
                ),
                ("number", models.CharField(max_length=40)),
                ("forge_id", models.CharField(max_length=100)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("merged", "merged"),
                            ("landed", "closed, but the code was merged"),
                            ("reverted", "reverted"),
                            ("gone", "no longer on the platform"),
                            ("unknown", "unknown"),
                        ],
                        max_length=20,
                    ),
                ),
                ("title", models.TextField()),
                ("url", models.URLField(max_length=500)),
                ("created_at", models.DateTimeField()),
                ("merged_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                ("additions", models.PositiveIntegerField(null=True)),
                ("deletions", models.PositiveIntegerField(null=True)),
                ("changed_files", models.PositiveIntegerField(null=True)),
                ("files", models.JSONField(null=True)),
                ("labels", models.JSONField(null=True)),
                ("merge_commit", models.CharField(max_length=64, null=True)),
                ("merged_by_id_on_forge", models.CharField(max_length=64, null=True)),
                ("merged_by_login", models.CharField(blank=True, max_length=100)),
                ("found_by", models.CharField(max_length=20)),
                ("collected_at", models.DateTimeField()),
                (
                    "repository",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contributions",
                        to="credits.repository",
                    ),
                ),
                ("files_id", models.CharField(max_length=60, null=True)),
                ("landed_by", models.CharField(blank=True, max_length=40)),
                ("node_id", models.CharField(blank=True, max_length=100)),
                ("only_whitespace", models.BooleanField(null=True)),
                ("patch_id", models.CharField(max_length=60, null=True)),
                ("told", models.CharField(editable=False, max_length=32, null=True)),
            ],
            options={
                "ordering": ["-merged_at", "-pk"],
                "indexes": [
                    models.Index(fields=["merge_commit"], name="contribution_by_commit"),
                    models.Index(
                        condition=models.Q(("patch_id__isnull", False)),
                        fields=["patch_id"],
                        name="contribution_by_patch",
                    ),
                    models.Index(fields=["files_id"], name="contribution_by_files"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("repository", "kind", "number"), name="contribution_stored_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Authorship",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("forge", models.CharField(max_length=20)),
                ("forge_user_id", models.CharField(max_length=64)),
                ("login", models.CharField(max_length=100)),
                (
                    "role",
                    models.CharField(
                        choices=[("author", "author"), ("co-author", "co-author")], max_length=10
                    ),
                ),
                ("share", models.DecimalField(decimal_places=4, max_digits=5)),
                (
                    "contribution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorships",
                        to="credits.contribution",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["forge", "forge_user_id"], name="authorship_of_account")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("contribution", "forge_user_id"), name="authorship_stands_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("role", "author")),
                        fields=("contribution",),
                        name="one_author_opens",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("share__gte", 0), ("share__lte", 1)), name="share_within_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("payload", models.JSONField()),
                ("fetched_at", models.DateTimeField()),
                (
                    "contribution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evidence",
                        to="credits.contribution",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "evidence",
                "constraints": [
                    models.UniqueConstraint(fields=("contribution", "digest"), name="evidence_kept_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Recheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField()),
                (
                    "finding",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("reverted", "reverted"),
                            ("gone", "no longer on the platform"),
                            ("moved", "now in another repository"),
                        ],
                        max_length=20,
                    ),
                ),
                ("fact", models.CharField(blank=True, max_length=500)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.TextField(blank=True)),
                (
                    "contribution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recheck",
                        to="credits.contribution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BranchLook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(null=True)),
                ("commits", models.JSONField(null=True)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.TextField(blank=True)),
                (
                    "contribution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="branch",
                        to="credits.contribution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ShareProposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("shares", models.JSONField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "waiting for co-authors"),
                            ("agreed", "agreed"),
                            ("declined", "declined"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("proposed_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "contribution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="share_proposals",
                        to="credits.contribution",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-proposed_at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "open")),
                        fields=("contribution",),
                        name="one_open_share_proposal",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ShareConsent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("forge_user_id", models.CharField(max_length=64)),
                ("accepted", models.BooleanField()),
                ("said_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents",
                        to="credits.shareproposal",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("proposal", "forge_user_id"), name="consent_given_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="AttestedWork",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("repository_id_on_forge", models.CharField(max_length=64)),
                ("full_name", models.CharField(max_length=255)),
                ("number", models.CharField(max_length=40)),
                ("title", models.TextField()),
                ("url", models.URLField(max_length=500)),
                ("closed_at", models.DateTimeField()),
                ("change", models.JSONField()),
                ("commit", models.CharField(max_length=64)),
                ("commit_url", models.URLField(max_length=500)),
                ("commit_headline", models.TextField()),
                ("committed_at", models.DateTimeField()),
                ("committed_as", models.CharField(blank=True, max_length=100)),
                ("lines_alike", models.PositiveSmallIntegerField(null=True)),
                ("files_alike", models.PositiveSmallIntegerField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for a reviewer"),
                            ("accepted", "accepted"),
                            ("refused", "refused by the reviewer"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("submitted_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attested_work",
                        to="accounts.forgeaccount",
                    ),
                ),
                (
                    "contribution",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attested",
                        to="credits.contribution",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attested_work",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "attested work",
                "ordering": ["-submitted_at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "refused"), _negated=True),
                        fields=("account", "repository_id_on_forge", "number"),
                        name="work_attested_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_by", None), ("status", "waiting")),
                            models.Q(
                                ("contribution__isnull", False),
                                ("decided_by__isnull", False),
                                ("status", "accepted"),
                            ),
                            models.Q(
                                ("decided_by__isnull", False),
                                ("status", "refused"),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="attested_work_is_decided_by_a_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MaintainerWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_digest", models.CharField(max_length=64, unique=True)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("login", models.CharField(blank=True, max_length=100)),
                ("confirms", models.BooleanField(null=True)),
                ("text", models.TextField(blank=True)),
                (
                    "work",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="words",
                        to="credits.attestedwork",
                    ),
                ),
            ],
            options={
                "ordering": ["made_at", "pk"],
            },
        ),
        # Claims.
        migrations.CreateModel(
            name="Round",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=60, unique=True, verbose_name="code")),
                ("name_zh", models.CharField(max_length=120, verbose_name="Chinese name")),
                ("name_en", models.CharField(max_length=120, verbose_name="English name")),
                ("apply_from", models.DateTimeField(verbose_name="applications open")),
                ("apply_until", models.DateTimeField(verbose_name="applications close")),
                ("review_until", models.DateTimeField(verbose_name="review closes")),
                ("record_from", models.DateTimeField(verbose_name="recording opens")),
                ("record_until", models.DateTimeField(verbose_name="recording closes")),
                (
                    "term",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rounds", to="accounts.term"
                    ),
                ),
            ],
            options={
                "ordering": ["-apply_from", "-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("apply_until__gt", models.F("apply_from")),
                            ("review_until__gte", models.F("apply_until")),
                            ("record_until__gt", models.F("record_from")),
                            ("record_from__gte", models.F("apply_from")),
                        ),
                        name="round_dates_follow_each_other",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RoundRulebook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "programme",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="accounts.programme",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rulebooks",
                        to="credits.round",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rounds",
                        to="credits.rulebookversion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("round", "programme", "year"),
                        name="one_rulebook_in_force",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("submitted", "waiting for review"),
                            ("hearing", "your response is needed"),
                            ("notice", "on public notice"),
                            ("recorded", "recorded"),
                            ("refused", "refused"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="draft",
                        max_length=20,
                    ),
                ),
                ("facts", models.JSONField(null=True)),
                ("facts_digest", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(null=True)),
                ("hearing_until", models.DateTimeField(null=True)),
                ("notice_from", models.DateTimeField(null=True)),
                ("notice_until", models.DateTimeField(null=True)),
                (
                    "enrolment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="accounts.enrolment",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="credits.round"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="credits.rulebookversion",
                    ),
                ),
                ("stage", models.PositiveSmallIntegerField(default=1)),
                ("stage_by", models.CharField(default="instructors", max_length=30)),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [models.Index(fields=["round", "status"], name="claims_waiting")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "withdrawn"), _negated=True),
                        fields=("round", "user"),
                        name="one_claim_a_round",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["draft", "withdrawn"]),
                            models.Q(
                                ("facts__isnull", False),
                                ("submitted_at__isnull", False),
                                ("version__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="submitted_claim_is_frozen",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClaimItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("live", models.BooleanField(default=True)),
                (
                    "authorship",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claim_items",
                        to="credits.authorship",
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="credits.claim"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("claim", "authorship"), name="item_stands_once_in_claim"),
                    models.UniqueConstraint(
                        condition=models.Q(("live", True)), fields=("authorship",), name="one_live_claim"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Assessment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("facts", models.JSONField()),
                ("facts_digest", models.CharField(max_length=64)),
                ("outcome", models.JSONField()),
                ("outcome_digest", models.CharField(max_length=64)),
                ("points", models.DecimalField(decimal_places=4, max_digits=10)),
                ("credit", models.DecimalField(decimal_places=2, max_digits=6)),
                ("made_at", models.DateTimeField()),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assessments",
                        to="credits.claim",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assessments",
                        to="credits.rulebookversion",
                    ),
                ),
            ],
            options={
                "ordering": ["made_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stage", models.PositiveSmallIntegerField(default=1)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("approve", "approved"),
                            ("reduce", "partly approved"),
                            ("refuse", "refused"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "standing",
                    models.CharField(
                        choices=[
                            ("proposed", "proposed, awaiting response"),
                            ("final", "final"),
                            ("replaced", "replaced by a later decision"),
                        ],
                        max_length=10,
                    ),
                ),
                ("lines", models.JSONField(default=dict)),
                ("reason", models.TextField(blank=True)),
                ("decided_at", models.DateTimeField()),
                (
                    "assessment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="credits.assessment",
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="credits.claim",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["decided_at", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("standing", "final")),
                        fields=("claim", "stage"),
                        name="one_final_decision_a_stage",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("standing", "proposed")),
                        fields=("claim", "stage"),
                        name="one_open_proposal_a_stage",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("verdict", "approve"), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="refusal_names_its_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at", None), ("confirmed_by", None)),
                            models.Q(
                                ("confirmed_at__isnull", False),
                                ("confirmed_by__isnull", False),
                                ("standing", "final"),
                            ),
                            _connector="OR",
                        ),
                        name="what_is_confirmed_is_final",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HearingAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("answered_at", models.DateTimeField()),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answer",
                        to="credits.decision",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Result",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("credit", models.DecimalField(decimal_places=2, max_digits=6)),
                ("points", models.DecimalField(decimal_places=4, max_digits=10)),
                ("points_carried", models.DecimalField(decimal_places=4, max_digits=10)),
                ("grade", models.CharField(blank=True, max_length=20)),
                ("recorded_at", models.DateTimeField()),
                (
                    "claim",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="result", to="credits.claim"
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="result",
                        to="credits.decision",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ClaimFlag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ref", models.CharField(max_length=300)),
                (
                    "finding",
                    models.CharField(
                        choices=[
                            ("reverted", "reverted"),
                            ("gone", "no longer on the platform"),
                            ("moved", "now in another repository"),
                        ],
                        max_length=20,
                    ),
                ),
                ("fact", models.CharField(blank=True, max_length=500)),
                ("found_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("answer", models.TextField(blank=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="flags", to="credits.claim"
                    ),
                ),
            ],
            options={
                "ordering": ["found_at", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("claim", "ref", "finding"), name="flag_raised_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at", None), ("answered_by", None)),
                            models.Q(
                                ("answered_at__isnull", False),
                                ("answered_by__isnull", False),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="flag_is_answered_in_words",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Simulation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("code", models.CharField(max_length=60)),
                ("title_zh", models.CharField(max_length=200)),
                ("title_en", models.CharField(max_length=200)),
                ("canonical", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("departments", models.JSONField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting to run"),
                            ("running", "running"),
                            ("done", "done"),
                            ("stopped", "stopped"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0)),
                ("cursor", models.UUIDField(null=True)),
                ("tally", models.JSONField(default=dict)),
                ("asked_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.TextField(blank=True)),
                (
                    "against",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="credits.rulebookversion",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.programme",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="simulations",
                        to="credits.round",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="simulations",
                        to="credits.rulebookversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="SimulationChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ordinal", models.PositiveIntegerField()),
                ("credit_before", models.DecimalField(decimal_places=2, max_digits=9)),
                ("credit_after", models.DecimalField(decimal_places=2, max_digits=9)),
                ("points_before", models.DecimalField(decimal_places=4, max_digits=14)),
                ("points_after", models.DecimalField(decimal_places=4, max_digits=14)),
                (
                    "assessment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="credits.assessment"
                    ),
                ),
                (
                    "simulation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="credits.simulation",
                    ),
                ),
            ],
            options={
                "ordering": ["simulation", "ordinal"],
                "constraints": [
                    models.UniqueConstraint(fields=("simulation", "ordinal"), name="change_numbered_once")
                ],
            },
        ),
        # Records.
        migrations.CreateModel(
            name="ExportBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=100, unique=True, verbose_name="code")),
                ("format", models.CharField(max_length=20, verbose_name="format")),
                ("entries", models.PositiveIntegerField()),
                ("credit", models.DecimalField(decimal_places=2, max_digits=12)),
                ("manifest", models.JSONField()),
                ("made_at", models.DateTimeField()),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exports",
                        to="credits.round",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "export batches",
                "ordering": ["-made_at"],
            },
        ),
    ]
