"""Published tables as data: numbers with their sources, and the configurations behind them."""
