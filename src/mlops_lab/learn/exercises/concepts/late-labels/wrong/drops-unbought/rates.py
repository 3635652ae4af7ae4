def rate_by_day(visits, now, window):
    bought, all_visits = {}, {}
    for day, bought_on in visits:
        if now > day + window and bought_on is not None:
            all_visits[day] = all_visits.get(day, 0) + 1
            bought[day] = bought.get(day, 0) + (bought_on <= day + window)
    return {day: bought[day] / all_visits[day] for day in all_visits}
