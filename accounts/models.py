"""People, what they study, what they may do, and their forge accounts."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


def canonical_email(address: str | None) -> str | None:
    """Return the address as it is stored and matched: stripped and in lower case. Return None if it is empty."""
    return (address or "").strip().lower() or None


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **fields: object) -> User:
        """Store a person who may sign in. Without a password, only the university's single sign-on lets them in."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: object) -> User:
        """Store the first administrator, who gives the others their roles. ``createsuperuser`` calls this."""
        user = self.create_user(username, password, **fields)
        StaffRole.objects.create(user=user, role=StaffRole.Role.ADMIN)
        return user


class User(AbstractBaseUser):
    """A person: student, member of staff, or both."""

    username = models.CharField(
        _("username"),
        max_length=150,
        unique=True,
        validators=[UnicodeUsernameValidator()],
    )
    # Stored in lower case: people are matched by e-mail, and mail hosts ignore upper and lower case.
    email = models.EmailField(_("e-mail"), unique=True, null=True, blank=True)
    name = models.CharField(_("name"), max_length=150)
    language = models.CharField(_("language"), max_length=10, blank=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="email_in_lower_case"),
            # Sign-in ignores upper and lower case, so two usernames must not differ only in case.
            models.UniqueConstraint(Lower("username"), name="username_once_in_any_case"),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = canonical_email(self.email)
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class Department(models.Model):
    """A college or school (学院)."""

    name = models.CharField(_("name"), max_length=150, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Programme(models.Model):
    """A programme that students are enrolled in (专业)."""

    name = models.CharField(_("name"), max_length=150)
    department = models.ForeignKey(Department, models.PROTECT, related_name="programmes")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["department", "name"], name="programme_named_once")]

    def __str__(self) -> str:
        return self.name


class Term(models.Model):
    """A term (学期). Its days are local days of the university: it begins and ends at local midnight."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    days_off = models.JSONField(_("public holidays"), default=list, blank=True)
    days_worked = models.JSONField(_("weekend days that are worked"), default=list, blank=True)

    class Meta:
        ordering = ["-starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="term_ends_after_it_starts",
            )
        ]

    def __str__(self) -> str:
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en

    @property
    def starts_at(self) -> datetime:
        """The first instant of the term."""
        return timezone.make_aware(datetime.combine(self.starts_on, time.min))

    @property
    def ends_at(self) -> datetime:
        """The first instant after the term."""
        return timezone.make_aware(datetime.combine(self.ends_on + timedelta(days=1), time.min))


class Enrolment(models.Model):
    """A person's enrolment in a programme (学籍). A person may have several; credit caps follow the person."""

    user = models.ForeignKey(User, models.PROTECT, related_name="enrolments")
    # Text: leading zeros are part of the number.
    student_number = models.CharField(_("student number"), max_length=40, unique=True)
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="enrolments")
    level = models.CharField(_("level"), max_length=40, blank=True)
    year = models.PositiveSmallIntegerField(_("year"))
    enrolled_on = models.DateField(_("enrolled on"))
    left_on = models.DateField(_("left on"), null=True, blank=True)

    class Meta:
        ordering = ["-enrolled_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(student_number=""), name="student_number_is_given"),
            models.CheckConstraint(
                condition=Q(left_on=None) | Q(left_on__gte=F("enrolled_on")),
                name="enrolment_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.student_number} {self.user}"


class StaffRole(models.Model):
    """A role of a member of staff, in one department or, without a department, in the whole university.

    A member of a credit committee (学分认定委员会) decides in later stages of review: the college's committee with a
    department, the university's without.
    """

    class Role(models.TextChoices):
        INSTRUCTOR = "instructor", _("instructor")
        COMMITTEE = "committee", _("member of the credit committee")
        REGISTRAR = "registrar", _("registrar")
        STEWARD = "steward", _("steward of rulebooks")
        ADMIN = "admin", _("administrator")

    user = models.ForeignKey(User, models.CASCADE, related_name="staff_roles")
    role = models.CharField(max_length=20, choices=Role.choices)
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="staff_roles"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "department"],
                name="role_given_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class ForgeAccount(models.Model):
    """A link between a person and an account on a forge, current or ended.

    Rows are never deleted and never move to another person: unlinking sets ``unlinked_at``, and linking again makes a
    new row, so the history stays (invariant 1, enforced by a trigger).
    """

    class Proof(models.TextChoices):
        OAUTH = "oauth", _("verified by signing in on the platform")
        ATTESTED = "attested", _("linked by the registrar's office")

    user = models.ForeignKey(User, models.PROTECT, related_name="forge_accounts")
    forge = models.CharField(max_length=20)
    forge_user_id = models.CharField(max_length=64)
    node_id = models.CharField(max_length=100, blank=True)
    login = models.CharField(max_length=100)
    proof = models.CharField(max_length=20, choices=Proof.choices)
    attested_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField(blank=True)
    linked_at = models.DateTimeField()
    unlinked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["forge", "login"]
        constraints = [
            models.UniqueConstraint(
                fields=["forge", "forge_user_id"],
                condition=Q(unlinked_at=None),
                name="forge_account_has_one_person",
            ),
            models.CheckConstraint(condition=~Q(forge_user_id=""), name="forge_account_has_its_immutable_id"),
            models.CheckConstraint(
                condition=(Q(attested_by=None) & ~Q(proof="attested"))
                | (Q(proof="attested", attested_by__isnull=False) & ~Q(reason="")),
                name="attested_link_names_who_and_why",
            ),
            models.CheckConstraint(
                condition=Q(unlinked_at=None) | Q(unlinked_at__gte=F("linked_at")),
                name="forge_account_unlinked_after_linked",
            ),
        ]
        indexes = [
            # On each insert a trigger looks for earlier owners; the unique index covers current links only.
            models.Index(fields=["forge", "forge_user_id"], name="forge_account_of_anybody"),
        ]

    def __str__(self) -> str:
        return f"{self.forge}:{self.login}"


class AuditEntry(models.Model):
    """An entry of the audit log. Only ``accounts.audit`` writes it; a trigger refuses changes and deletion."""

    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=60)
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    subject = models.CharField(max_length=200)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["person", "-at"], name="audit_of_person"),
            models.Index(fields=["subject", "-at"], name="audit_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.subject}"
