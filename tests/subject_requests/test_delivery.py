"""The download: one link a click, one download a link, and nothing left when the time is up."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from apps.accounts.models import Membership
from apps.accounts.states import MemberRole
from apps.core import crypto
from apps.core.errors import DomainError
from apps.ledger.models import Entry
from apps.subject_requests import services
from apps.subject_requests.models import DownloadLink, Package
from apps.subject_requests.services.access import write_sealed
from apps.subject_requests.states import PackageKind, Right
from tests.subject_requests.factories import NOW, filed, member

CONTENT = b"PK" + b"0123456789" * 30_000  # some frames


def package(subject_request=None):
    subject_request = subject_request or filed(Right.ACCESS)
    one = Package(
        request=subject_request,
        kind=PackageKind.ACCESS,
        created_at=NOW,
        expires_at=NOW + timedelta(days=7),
        size=len(CONTENT),
        manifest_sha256="0" * 64,
    )
    one.sha256 = write_sealed(CONTENT, one.path)
    one.save()
    return one


def minted(one, *, now=NOW):
    return services.mint_download_link(one, by=one.request.filed_by, now=now)


def start(token, one, *, now=NOW):
    return services.start_download(token, by=one.request.filed_by, now=now)


@pytest.mark.threat("T21")
def test_a_link_downloads_once_and_is_spent_when_the_last_byte_left(db):
    one = package()
    token = minted(one)
    assert len(token) >= 43  # 256 bits
    download = start(token, one)
    assert b"".join(download.chunks) == CONTENT
    assert (download.size, hashlib.sha256(CONTENT).hexdigest()) == (len(CONTENT), one.sha256)
    with pytest.raises(services.LinkSpent):
        start(token, one)
    assert Entry.objects.filter(verb="subject_request.downloaded").count() == 1


@pytest.mark.threat("T6")
def test_who_lost_the_role_for_end_users_downloads_nothing_more(db):
    one = package()
    token = minted(one)
    Membership.objects.filter(user=one.request.filed_by).update(role=MemberRole.MEMBER)
    with pytest.raises(services.LinkSpent):
        start(token, one)
    with pytest.raises(DomainError):
        minted(one)


@pytest.mark.threat("T21")
def test_a_link_minted_without_the_page_starts_the_24_hours_too(db):
    one = package()
    minted(one)
    one.refresh_from_db()
    assert (one.first_opened_at, one.expires_at) == (NOW, NOW + timedelta(hours=24))


@pytest.mark.threat("T21")
def test_only_the_hash_of_a_token_is_stored(db):
    token = minted(package())
    link = DownloadLink.objects.get()
    assert link.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(DownloadLink.objects.values())


@pytest.mark.threat("T21")
def test_looking_does_not_consume(db):
    one = package()
    token = minted(one)
    for _ in range(3):
        assert services.peek_download(token, by=one.request.filed_by, now=NOW) == one
    assert b"".join(start(token, one).chunks) == CONTENT
    with pytest.raises(services.LinkSpent):
        services.peek_download(token, by=one.request.filed_by, now=NOW)


def test_a_download_that_broke_off_can_be_tried_again(db):
    one = package()
    token = minted(one)
    broken = start(token, one)
    next(broken.chunks)
    with pytest.raises(services.LinkSpent):
        start(token, one)  # one at a time
    broken.chunks.close()
    assert b"".join(start(token, one).chunks) == CONTENT


def test_a_download_whose_process_died_can_be_tried_again_after_its_lease(db):
    one = package()
    token = services.mint_download_link(one, by=one.request.filed_by, now=NOW)
    DownloadLink.objects.update(claimed_at=NOW, expires_at=NOW + timedelta(hours=2))
    with pytest.raises(services.LinkSpent):
        start(token, one, now=NOW + timedelta(minutes=29))
    assert start(token, one, now=NOW + timedelta(minutes=30))


@pytest.mark.threat("T10")
def test_only_who_filed_it_and_still_belongs_to_the_account_downloads(db):
    one = package()
    token = minted(one)
    colleague = member(one.request.account, "owner")
    with pytest.raises(DomainError):
        services.mint_download_link(one, by=colleague, now=NOW)
    with pytest.raises(services.LinkSpent):
        services.start_download(token, by=colleague, now=NOW)
    assert list(Package.objects.visible_to(colleague)) == []
    assert list(Package.objects.visible_to(one.request.filed_by)) == [one]
    one.request.filed_by.memberships.all().delete()  # T6: from the next request on
    with pytest.raises(services.LinkSpent):
        start(token, one)


@pytest.mark.threat("T21")
@pytest.mark.parametrize(
    ("opened_after", "gone_after"),
    [
        (None, timedelta(days=7)),
        (timedelta(hours=1), timedelta(hours=25)),
        (timedelta(days=6, hours=12), timedelta(days=7)),
    ],
)
def test_it_can_be_had_until_a_day_after_its_page_was_opened_and_seven_days_at_most(db, opened_after, gone_after):
    one = package()
    by = one.request.filed_by
    if opened_after:
        one = services.open_download_page(one, by=by, now=NOW + opened_after)
        again = services.open_download_page(one, by=by, now=NOW + opened_after + timedelta(hours=3))
        assert again.expires_at == one.expires_at  # looking again does not extend it
    last = NOW + gone_after - timedelta(seconds=1)
    token = services.mint_download_link(one, by=by, now=last)
    assert list(Package.objects.available(at=last)) == [one]
    with pytest.raises(services.LinkSpent):
        services.start_download(token, by=by, now=NOW + gone_after)
    with pytest.raises(DomainError, match="gone"):
        services.mint_download_link(one, by=by, now=NOW + gone_after)
    assert services.purge_package(one, now=NOW + gone_after)
    assert not one.path.exists()
    assert not DownloadLink.objects.exists()


def test_a_link_lives_fifteen_minutes(db):
    one = package()
    token = minted(one)
    with pytest.raises(services.LinkSpent):
        start(token, one, now=NOW + timedelta(minutes=15))


def test_a_file_that_was_changed_does_not_open(db):
    one = package()
    token = minted(one)
    changed = bytearray(one.path.read_bytes())
    changed[len(changed) // 2] ^= 1
    one.path.write_bytes(bytes(changed))
    with pytest.raises(crypto.Unreadable):
        b"".join(start(token, one).chunks)
    assert DownloadLink.objects.get().spent_at is None


@pytest.mark.threat("T43")
def test_of_twenty_at_once_one_downloads(committed_db):
    one = package()
    token, by = minted(one), one.request.filed_by

    def download(_number):
        try:
            return len(b"".join(services.start_download(token, by=by, now=NOW).chunks))
        except services.LinkSpent:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        sizes = sorted(pool.map(download, range(20)))
    assert sizes == [0] * 19 + [len(CONTENT)]
    assert Entry.objects.filter(verb="subject_request.downloaded").count() == 1
