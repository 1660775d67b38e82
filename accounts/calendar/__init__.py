"""The university's calendar: terms, the lists of days off in them, and working days.

Door: ``terms`` to make and change a term, ``date_lists`` to read typed dates, ``university_calendar`` to count working
days with every term's holidays.
"""
