"""From labelled facts to a trained candidate: pipeline, training set, fit, backtest."""
