"""The work of stewards, administrators and registrars outside the main job."""

from __future__ import annotations

from playwright.sync_api import expect

from accounts.models import Enrolment, ForgeAccount, StaffRole, User
from credits.rulebooks.models import RulebookVersion
from tests import factories
from tests.journeys import world
from tests.journeys.conftest import Clock, Visit
from tests.journeys.visitor import PASSWORD
from tests.journeys.world import GITEE

HEADING = "student_number,name,email,department,programme,level,year\n"
GOOD = "0025101,赵新,zhao@university.example,软件学院,软件工程,本科,2025\n"
TWICE = "0025101,钱新,qian@university.example,软件学院,软件工程,本科,2025\n"


def test_a_rulebook_with_a_typo_comes_back_and_a_second_steward_publishes_the_mended_one(
    visit: Visit, clock: Clock
) -> None:
    """A fault is shown beside its line and the text stays as typed. Corrected, it is a proposal that its author cannot
    publish and another steward can."""
    university = world.found(now=clock.now())
    steward = visit("zh-hans")
    steward.sign_in(university.steward)
    steward.open("steward_version", university.version.rulebook.code, university.version.number)
    steward.follow("Start a new version from this one")
    text = steward.field("Text of the rulebook (YAML)").input_value()
    typo = text.replace("repository.osi_approved", "repository.osi_aproved", 1)
    line = typo[: typo.index("osi_aproved")].count("\n") + 1
    steward.write("Text of the rulebook (YAML)", typo)
    with steward.expecting(422):
        steward.press("Check and propose")
        steward.alert().first.wait_for()
    faulty = steward.content.locator(f"#line-{line}")
    expect(faulty).to_contain_text("osi_aproved")
    expect(faulty).to_contain_text("▲")
    expect(steward.field("Text of the rulebook (YAML)")).to_have_value(typo)
    assert RulebookVersion.objects.count() == 1

    steward.write("Text of the rulebook (YAML)", text.replace("give: 5", "give: 6"))
    steward.press("Check and propose")
    steward.page.wait_for_url("**/2/")
    steward.sees("You proposed this version, so another steward must publish it.")
    expect(steward.button("Publish version")).to_have_count(0)

    second = visit("en")
    second.sign_in(university.second_steward)
    proposed = second.content.get_by_role("row").filter(has_text=second.words("proposed"))
    proposed.get_by_role("link", name=second.words.of(lambda: university.version.title)).click()
    second.press("Publish version")
    second.sees(
        "%(version)s is published and can no longer be changed.",
        version=second.words.of(lambda: RulebookVersion.objects.get(number=2)),
    )
    published = RulebookVersion.objects.get(number=2)
    assert (published.status, published.published_by) == ("published", university.second_steward)


def test_an_administrator_gives_a_role_which_takes_its_holder_to_their_work(
    visit: Visit, clock: Clock
) -> None:
    """A person found by a part of the name becomes an instructor of a college and reaches the queue at the next
    sign-in. Without the role the queue is closed to them."""
    university = world.found(now=clock.now())
    colleague = factories.person(username="guan", name="关新来", password=PASSWORD)
    office = visit("zh-hans", "narrow")
    office.sign_in(university.admin)
    office.write("Name, username or e-mail", "关新")
    office.press("Find")
    office.content.get_by_role("link", name=f"{office.words('Give a role')} 关新来").click()
    office.field("Role").select_option(StaffRole.Role.INSTRUCTOR)
    office.field("College").select_option(label="软件学院")
    office.press("Give role")
    expect(office.content.get_by_role("status")).to_contain_text("关新来")

    newcomer = visit("en")
    newcomer.sign_in(colleague)
    newcomer.sees_heading("Review queue")

    office.content.get_by_role("row").filter(has_text="关新来").get_by_role("button").click()
    expect(office.content.get_by_role("row").filter(has_text="关新来")).to_have_count(0)
    with newcomer.expecting(403):
        assert newcomer.open("instructor_queue") == 403
    newcomer.sees_heading("You do not have access")


def test_a_roster_with_a_number_twice_changes_nothing_and_a_good_one_is_looked_at_first(
    visit: Visit, clock: Clock
) -> None:
    """The report names the refused row, column and reason; the corrected file is previewed, then applied as a whole."""
    university = world.found(now=clock.now())
    before = Enrolment.objects.count()
    office = visit("zh-hans")
    office.sign_in(university.registrar)
    office.open("registrar_roster")

    def choose(text: str) -> None:
        office.content.locator("input[type=file]").set_input_files(
            [{"name": "roster.csv", "mimeType": "text/csv", "buffer": text.encode("utf-8-sig")}]
        )
        office.press("Preview changes")

    choose(HEADING + GOOD + TWICE)
    office.sees_heading("Errors; nothing was imported")
    refused = office.content.get_by_role("row").last
    expect(refused.get_by_role("rowheader")).to_have_text("3")
    expect(refused).to_contain_text("student_number")
    expect(office.button("Import all")).to_have_count(0)
    assert Enrolment.objects.count() == before

    choose(HEADING + GOOD)
    office.sees_heading("Preview of changes")
    assert Enrolment.objects.count() == before
    office.press("Import all")
    office.sees(
        office.words.count("%(count)s enrolment imported.", "%(count)s enrolments imported.", 1, count=1)
    )
    assert Enrolment.objects.count() == before + 1
    assert User.objects.get(email="zhao@university.example").name == "赵新"


def test_a_registrar_vouches_for_an_account_that_the_forge_knows(visit: Visit, clock: Clock) -> None:
    """An unknown login is refused and the form keeps what was typed; the right login is linked by its immutable id,
    with the reason."""
    university = world.found(now=clock.now())
    office = visit("en", "narrow")
    office.sign_in(university.registrar)
    office.open("registrar_link")
    office.write("Student number", "0023001")
    office.field("Platform").select_option("gitee")
    office.write("Login on the platform", "nobody-at-all")
    office.write("How you know that the account is theirs", "Showed it to me at the desk. 当面出示。")
    with office.expecting(404):
        office.press("Link account")
        office.sees("There is no account %(login)s on %(forge)s.", forge="Gitee", login="nobody-at-all")
    expect(office.field("Student number")).to_have_value("0023001")
    expect(office.field("How you know that the account is theirs")).to_have_value(
        "Showed it to me at the desk. 当面出示。"
    )
    assert not ForgeAccount.objects.exists()

    office.write("Login on the platform", GITEE)
    office.press("Link account")
    expect(office.section("Accounts linked by the registrar's office")).to_contain_text("当面出示")
    linked = ForgeAccount.objects.get()
    assert (linked.user, linked.login, linked.proof) == (university.newcomer, GITEE, "attested")
