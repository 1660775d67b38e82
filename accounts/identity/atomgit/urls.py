from allauth.socialaccount.providers.oauth2.urls import default_urlpatterns

from accounts.identity.atomgit.provider import AtomGitProvider

urlpatterns = default_urlpatterns(AtomGitProvider)
