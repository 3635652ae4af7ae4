# history: not-committed
echo "# to do: more features" >> "$PROJECT"/pipeline.py
