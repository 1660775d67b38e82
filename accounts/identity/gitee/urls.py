from allauth.socialaccount.providers.oauth2.urls import default_urlpatterns

from accounts.identity.gitee.provider import GiteeProvider

urlpatterns = default_urlpatterns(GiteeProvider)
