def rate_by_day(visits, now, window):
    """The purchase rate of each day.

    visits: a list of (day, bought_on); bought_on is the day of the purchase, or None as long as there is none.
    """
    bought, all_visits = {}, {}
    for day, bought_on in visits:
        all_visits[day] = all_visits.get(day, 0) + 1
        bought[day] = bought.get(day, 0) + (bought_on is not None)
    return {day: bought[day] / all_visits[day] for day in all_visits}
