"""A made-up university, and a local forge that speaks GitHub's and Gitee's interfaces. Never in production."""
