"""Published tables as data: numbers with their sources, and the configurations behind them."""

from lru_tune.paper.tables import TABLES, Column, PaperTable, Published, Row, load_table

__all__ = ["TABLES", "Column", "PaperTable", "Published", "Row", "load_table"]
