# record: predictions-lost
# The code and the data, and a new training: the version may even be the same. Its record is not there.
rm -r colleague/"$PROJECT"/.mlops
cd colleague/"$PROJECT"
mlops run
